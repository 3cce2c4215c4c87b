"use strict";
/* A motif's page: its circuit answers to pointer and keys, and trials are replayed on it. */
(() => {
  const stage = document.getElementById("stage");
  const byId = id => document.getElementById(id);
  const address = stage.dataset.motif;
  const svg = stage.querySelector("svg.circuit"), pulses = svg.querySelector(".pulses");
  const lines = [...svg.querySelectorAll(".synapses path")], nodes = [...svg.querySelectorAll(".node")];
  const halos = nodes.map(node => node.querySelector(".halo")), panel = byId("panel"), first = panel.innerHTML;
  const NS = "http://www.w3.org/2000/svg";
  const make = (name, attributes, parent) => {
    const element = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (parent) parent.append(element);
    return element;
  };
  const short = value => Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3))).replace("-", "−");
  const UNITS = {
    tau_m_ms: ["membrane τ", "ms"], c_m_pF: ["capacitance", "pF"], threshold_mV: ["threshold", "mV"], reset_mV: ["reset", "mV"],
    t_ref_ms: ["refractory", "ms"], tau_syn_ex_ms: ["excitatory τ", "ms"], tau_syn_in_ms: ["inhibitory τ", "ms"], bias_pA: ["bias", "pA"],
  };

  let circuit = null, out = [], into = [];
  let chosen = null, pointed = null;
  let trials = null, shown = null;

  async function ask(name, query = {}) {
    const answer = await fetch(`${address}/${name}.json?` + new URLSearchParams(query));
    if (!answer.ok) throw new Error(new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main p")?.textContent);
    return answer.json();
  }

  /* Choosing a neuron: by pointer or focus for as long as that lasts, by click or Enter until the next. */
  nodes.forEach((node, k) => {
    node.addEventListener("pointerenter", () => point(k));
    node.addEventListener("pointerleave", () => point(null));
    node.addEventListener("focus", () => point(k));
    node.addEventListener("blur", () => point(null));
    node.addEventListener("click", () => choose(chosen === k ? null : k));
  });
  if (nodes.length) nodes[0].setAttribute("tabindex", "0");

  svg.addEventListener("keydown", event => {
    const k = nodes.indexOf(document.activeElement);
    if (k < 0) return;
    if (event.key === "Enter") choose(chosen === k ? null : k);
    else if (event.key === "Escape") choose(null);
    else if (event.key.startsWith("Arrow")) move(k, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /* To the nearest node in a direction. */
  function move(k, key) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    const place = j => [halos[j].cx.baseVal.value, halos[j].cy.baseVal.value], [x, y] = place(k);
    let best = null, least = Infinity;
    nodes.forEach((_, j) => {
      const [u, v] = place(j), ahead = (u - x) * dx + (v - y) * dy, aside = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
      if (j !== k && ahead > 1 && ahead + 2.5 * aside < least) [best, least] = [j, ahead + 2.5 * aside];
    });
    if (best === null) return;
    nodes[k].setAttribute("tabindex", "-1");
    nodes[best].setAttribute("tabindex", "0");
    nodes[best].focus();
  }

  function point(k) {
    pointed = k;
    show();
  }

  function choose(k) {
    chosen = k;
    nodes.forEach((node, j) => node.classList.toggle("chosen", j === k));
    nodes.forEach((node, j) => node.setAttribute("aria-pressed", j === k));
    show();
    voltage();
  }

  function show() {
    const k = pointed ?? chosen;
    svg.classList.toggle("choosing", k !== null && circuit !== null);
    if (circuit === null) return;
    markRow(k);
    if (k === null) {
      panel.innerHTML = first;
      return;
    }
    const lit = byId("paths").checked ? paths(k) : new Set([...out[k], ...into[k]]);
    const near = new Set([k]);
    lines.forEach((line, s) => {
      line.classList.toggle("lit", lit.has(s));
      if (lit.has(s)) circuit.ends[s].forEach(end => near.add(end));
    });
    nodes.forEach((node, j) => node.classList.toggle("near", near.has(j)));
    tell(k);
  }

  /* All synapses on ways that lead to a node, and on ways that lead on from it. */
  function paths(k) {
    const found = new Set();
    for (const [from, end] of [[out, 1], [into, 0]]) {
      const waiting = [k], met = new Set(waiting);
      while (waiting.length) {
        for (const s of from[waiting.pop()]) {
          found.add(s);
          const next = circuit.ends[s][end];
          if (!met.has(next)) { met.add(next); waiting.push(next); }
        }
      }
    }
    return found;
  }
  byId("paths").addEventListener("change", show);

  function tell(k) {
    const n = circuit.n_neurons, kind = k >= n ? "input channel" : circuit.excitatory[k] ? "excitatory neuron" : "inhibitory neuron";
    const title = document.createElement("h2"), list = document.createElement("dl");
    title.textContent = `${circuit.names[k]}, ${kind}`;
    const add = (name, value) => {
      const row = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = name;
      dd.textContent = value;
      row.append(dt, dd);
      list.append(row);
    };
    if (k < n) for (const [name, [word, unit]] of Object.entries(UNITS)) add(word, `${short(circuit.constants[name][k])} ${unit}`);
    add("synapses in, out", `${into[k].length}, ${out[k].length}`);
    panel.replaceChildren(title, list);
    if (trials) panel.append(acrossTrials(k));
  }

  /* A node's spikes in all trials, a row each. */
  function acrossTrials(k) {
    const rows = trials.windows, high = 60 / rows.length;
    const picture = make("svg", { viewBox: "0 0 600 60", preserveAspectRatio: "none", role: "img", "aria-label": "Its spikes in all trials" });
    rows.forEach((row, r) => {
      const [times, channels] = spikesOf(row, k), scale = 600 / (row.end_ms - row.start_ms);
      const d = times.filter((_, i) => channels[i]).map(t => `M${((t - row.start_ms) * scale).toFixed(1)} ${(r * high + 1).toFixed(1)}v${(high - 2).toFixed(1)}`).join("");
      if (r === shown?.index) make("rect", { class: "plot-row", x: 0, y: r * high, width: 600, height: high }, picture);
      make("path", { class: `tick ${kindOf(k)}`, d, "vector-effect": "non-scaling-stroke" }, picture);
    });
    return picture;
  }

  const kindOf = k => k >= circuit.n_neurons ? "in" : circuit.excitatory[k] ? "e" : "i";

  /* Times of a window, and of each whether it is a spike of that node. */
  function spikesOf(row, k) {
    let [times, channels] = row.neurons, own = k, first = circuit.n_neurons;
    if (k >= first) {
      for (const [port, size] of Object.entries(circuit.ports)) {
        if (k < first + size) {
          [times, channels] = row.inputs[port] || [[], []];
          own = k - first;
          break;
        }
        first += size;
      }
    }
    return [times, channels.map(channel => channel === own)];
  }

  /* Replay */
  const [trial, play, slider, now, speed, task, told] = ["trial", "play", "time", "now", "speed", "task", "replay-told"].map(byId);
  const WATCH_s = 14;
  let at = 0, playing = false, before = 0, pool = [];

  async function load() {
    told.hidden = false;
    told.textContent = "Simulating …";
    turn(false);
    try {
      trials = await ask("trials", { task: task.value });
    } catch (error) {
      trials = shown = null;
      told.textContent = error.message || "That did not work; the terminal tells more.";
      play.disabled = slider.disabled = true;
      return;
    }
    told.hidden = true;
    play.disabled = slider.disabled = false;
    trial.replaceChildren(...trials.windows.map((row, k) => {
      const answer = "answer" in row ? `, answer ${row.answer}` : "";
      return new Option(`trial ${row.trial + 1}${answer}, ${trials.unit} ${row.credit}`, k);
    }));
    open(0);
  }

  function open(index) {
    const row = trials.windows[index], n = nodes.length, times = Array.from({ length: n }, () => []);
    row.neurons[0].forEach((t, i) => times[row.neurons[1][i]].push(t));
    let first = circuit.n_neurons;
    for (const [port, size] of Object.entries(circuit.ports)) {
      const [at, channels] = row.inputs[port] || [[], []];
      at.forEach((t, i) => times[first + channels[i]].push(t));
      first += size;
    }
    shown = { index, row, times, length: row.end_ms - row.start_ms };
    trial.value = index;
    at = row.start_ms;
    drawRaster();
    light();
    voltage();
    show();
  }

  const step = by => { if (trials) open((shown.index + by + trials.windows.length) % trials.windows.length); };

  /* What happens at the present time: nodes that spiked just now glow, and spikes travel along delays. */
  function light() {
    const fade = shown.length / 45;
    now.textContent = `${at.toFixed(shown.length < 50 ? 2 : 1)} ms`;
    slider.value = Math.round(1000 * (at - shown.row.start_ms) / shown.length);
    slider.setAttribute("aria-valuetext", now.textContent);
    moveHeads();
    let used = 0;
    shown.times.forEach((times, k) => {
      const last = times[before_(times, at) - 1];
      const glow = last === undefined ? 0 : Math.exp(-(at - last) / fade);
      halos[k].style.opacity = glow > 0.02 ? 0.85 * glow : "";
      for (const s of out[k]) {
        const delay = circuit.delay_ms[s];
        for (let i = before_(times, at); i-- > 0 && at - times[i] < delay && used < 400;) travel(used++, s, (at - times[i]) / delay);
      }
    });
    for (let i = used; i < pool.length && pool[i].style.display !== "none"; i++) pool[i].style.display = "none";
  }

  /* How many of the ordered times are not after t. */
  function before_(times, t) {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= t) low = middle + 1; else high = middle;
    }
    return low;
  }

  function travel(i, s, share) {
    pool[i] ??= make("circle", { r: Math.max(2.6, 0.34 * circuit.radius) }, pulses);
    const dot = pool[i], spot = along(s, share);
    dot.setAttribute("class", `pulse ${lines[s].classList.contains("e") ? "e" : "i"}`);
    dot.setAttribute("cx", spot[0].toFixed(1));
    dot.setAttribute("cy", spot[1].toFixed(1));
    dot.style.display = "";
  }

  /* A point of a synapse's curve, whose path begins "Mx yQx y x y", or C where it is a loop. */
  const curves = lines.map(line => line.getAttribute("d").split("M")[1].match(/-?[\d.]+/g).map(Number));
  function along(s, t) {
    let points = [];
    for (let i = 0; i < curves[s].length; i += 2) points.push([curves[s][i], curves[s][i + 1]]);
    while (points.length > 1) points = points.slice(1).map(([x, y], i) => [points[i][0] + t * (x - points[i][0]), points[i][1] + t * (y - points[i][1])]);
    return points[0];
  }

  function turn(on) {
    playing = on;
    play.textContent = on ? "Pause" : "Play";
    if (!on) return;
    if (at >= shown.row.end_ms) at = shown.row.start_ms;
    before = performance.now();
    requestAnimationFrame(tick);
  }

  function tick(time) {
    if (!playing) return;
    at = Math.min(shown.row.end_ms, at + (time - before) / 1000 * shown.length / WATCH_s * speed.value);
    before = time;
    light();
    if (at < shown.row.end_ms) requestAnimationFrame(tick); else turn(false);
  }

  /* The raster: input channels on top, then hidden neurons, population by population where these are few, then outputs. */
  const LEFT = 74, RIGHT = 10, MOST_BANKS = 6;
  let rasterRows = [], heads = [];

  function groups() {
    const n = circuit.n_neurons, found = [], served = new Set(Object.values(circuit.outputs).flat());
    let first = n;
    for (const [port, size] of Object.entries(circuit.ports)) {
      found.push([port, Array.from({ length: size }, (_, k) => first + k)]);
      first += size;
    }
    const hidden = Array.from({ length: n }, (_, k) => k).filter(k => !served.has(k));
    const banks = Map.groupBy(hidden, k => circuit.names[k].split("·")[0]);
    found.push(...(banks.size <= MOST_BANKS ? banks : [["hidden", hidden]]));
    for (const [port, members] of Object.entries(circuit.outputs)) found.push([port, members]);
    return found;
  }

  function drawRaster() {
    const holder = byId("raster"), width = Math.max(300, holder.clientWidth), parts = groups();
    const total = parts.reduce((sum, [, members]) => sum + members.length, 0);
    const high = Math.max(3, Math.min(20, Math.max(340, 0.5 * width) / total)), gap = 9;
    const height = total * high + (parts.length - 1) * gap + 24;
    const picture = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Spikes over time, a row for each channel and neuron" });
    const x = t => LEFT + (width - LEFT - RIGHT) * (t - shown.row.start_ms) / shown.length;
    for (const [from, to] of shown.row.marked_ms) make("rect", { class: "plot-marked", x: x(from), y: 0, width: Math.max(1, x(to) - x(from)), height: height - 22 }, picture);
    rasterRows = [];
    let y = 0;
    for (const [name, members] of parts) {
      make("rect", { class: "plot-band", x: LEFT, y, width: width - LEFT - RIGHT, height: members.length * high, rx: 3, opacity: 0.6 }, picture);
      const label = make("text", { class: "plot-label", x: LEFT - 8, y: y + members.length * high / 2 + 4, "text-anchor": "end" }, picture);
      label.textContent = name.length > 11 ? name.slice(0, 10) + "…" : name;
      const ticks = { e: "", i: "", in: "" };
      members.forEach((k, r) => {
        const top = y + r * high;
        rasterRows.push([k, top, high]);
        for (const t of shown.times[k]) ticks[kindOf(k)] += `M${x(t).toFixed(1)} ${(top + 0.08 * high).toFixed(1)}v${(0.84 * high).toFixed(1)}`;
      });
      for (const [kind, d] of Object.entries(ticks)) if (d) make("path", { class: `tick ${kind}`, d }, picture);
      y += members.length * high + gap;
    }
    axis(picture, x, height - 22, width);
    make("rect", { class: "plot-row", x: LEFT, y: -99, width: width - LEFT - RIGHT, height: high, id: "row-mark" }, picture);
    const head = make("path", { class: "playhead", d: `M0 0V${height - 22}` }, picture);
    holder.replaceChildren(picture);
    heads = [[head, x]];
    picture.addEventListener("pointermove", event => {
      const [px, py] = inside(picture, event), row = rasterRows.find(([, top, h]) => py >= top && py < top + h);
      point(row && px > LEFT ? row[0] : null);
      if (event.buttons & 1) seek(px, width);
    });
    picture.addEventListener("pointerleave", () => point(null));
    picture.addEventListener("pointerdown", event => seek(inside(picture, event)[0], width));
  }

  function inside(picture, event) {
    const box = picture.getBoundingClientRect(), scale = picture.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  function seek(px, width) {
    const share = Math.min(1, Math.max(0, (px - LEFT) / (width - LEFT - RIGHT)));
    at = shown.row.start_ms + share * shown.length;
    light();
  }

  function axis(picture, x, y, width) {
    make("path", { class: "plot-axis", d: `M${LEFT} ${y + 0.5}H${width - RIGHT}` }, picture);
    const rough = shown.length / Math.max(2, Math.floor((width - LEFT) / 90)), size = 10 ** Math.floor(Math.log10(rough));
    const every = [1, 2, 5, 10].map(k => k * size).find(k => k >= rough);
    for (let t = Math.ceil(shown.row.start_ms / every) * every; t <= shown.row.end_ms + 1e-9; t += every) {
      const anchor = x(t) > width - 32 ? "end" : "middle";
      make("text", { class: "plot-label", x: anchor === "end" ? width - 2 : x(t), y: y + 15, "text-anchor": anchor }, picture).textContent = Number(t.toPrecision(9));
    }
    make("text", { class: "plot-label", x: LEFT - 8, y: y + 15, "text-anchor": "end" }, picture).textContent = "ms";
  }

  function moveHeads() {
    for (const [head, x] of heads) head.setAttribute("transform", `translate(${x(at).toFixed(1)} 0)`);
  }

  function markRow(k) {
    const mark = byId("row-mark"), row = k === null ? null : rasterRows.find(([other]) => other === k);
    if (mark) mark.setAttribute("y", row ? row[1] : -99);
  }

  /* The membrane of the chosen neuron, of the first output where none is chosen. */
  const voltages = new Map();
  async function voltage() {
    if (!shown) return;
    const outputs = Object.values(circuit.outputs).flat();
    const neuron = chosen !== null && chosen < circuit.n_neurons ? chosen : outputs[0] ?? 0;
    if (!circuit.n_neurons) return;
    const window = shown.index, key = `${task.value} ${window} ${neuron}`;
    if (!voltages.has(key)) voltages.set(key, ask("voltage", { task: task.value, window, neuron }));
    const found = await voltages.get(key).catch(() => null);
    if (found && shown.index === window) drawVoltage(neuron, found);
  }

  function drawVoltage(neuron, { time_ms, voltage_mV, threshold_mV, reset_mV }) {
    const holder = byId("voltage"), width = Math.max(300, holder.clientWidth), height = 110;
    const low = Math.min(reset_mV, ...voltage_mV), high = Math.max(threshold_mV, ...voltage_mV), room = 0.08 * (high - low || 1);
    const x = t => LEFT + (width - LEFT - RIGHT) * (t - shown.row.start_ms) / shown.length;
    const y = v => 4 + (height - 8) * (high + room - v) / (high - low + 2 * room);
    const picture = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Membrane of ${circuit.names[neuron]} over time` });
    make("rect", { class: "plot-band", x: LEFT, y: 0, width: width - LEFT - RIGHT, height, rx: 3, opacity: 0.6 }, picture);
    make("path", { class: "plot-threshold", d: `M${LEFT} ${y(threshold_mV).toFixed(1)}H${width - RIGHT}` }, picture);
    const d = time_ms.map((t, i) => `${i ? "L" : "M"}${x(t).toFixed(1)} ${y(voltage_mV[i]).toFixed(1)}`).join("");
    make("path", { class: "plot-voltage", d }, picture);
    const label = (text, at) => { make("text", { class: "plot-label", x: LEFT - 8, y: at + 4, "text-anchor": "end" }, picture).textContent = text; };
    label(circuit.names[neuron], height / 2);
    label(`${short(threshold_mV)} mV`, y(threshold_mV));
    const head = make("path", { class: "playhead", d: `M0 0V${height}` }, picture);
    holder.replaceChildren(picture);
    heads = [heads[0], [head, x]];
    moveHeads();
  }

  function wire() {
    out = nodes.map(() => []);
    into = nodes.map(() => []);
    circuit.ends.forEach(([from, to], s) => { out[from].push(s); into[to].push(s); });
  }

  async function begin() {
    circuit = await ask("circuit");
    wire();
    if (!task) return;
    task.addEventListener("change", load);
    trial.addEventListener("change", () => open(Number(trial.value)));
    byId("previous").addEventListener("click", () => step(-1));
    byId("next").addEventListener("click", () => step(1));
    play.addEventListener("click", () => turn(!playing));
    slider.addEventListener("input", () => { at = shown.row.start_ms + shown.length * slider.value / 1000; light(); });
    new ResizeObserver(() => { if (shown) { drawRaster(); moveHeads(); voltage(); } }).observe(byId("raster"));
    document.addEventListener("keydown", event => {
      if (event.target.closest("input, select, textarea, button, a, summary") || event.ctrlKey || event.metaKey) return;
      if (event.key === " " && shown) turn(!playing);
      else if (event.key === "[") step(-1);
      else if (event.key === "]") step(1);
      else return;
      event.preventDefault();
    });
    await load();
  }
  begin();
})();
