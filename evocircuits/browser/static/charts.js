"use strict";
/* Charts: Plotly's data and layout from the server, in the colours and fonts of the page. */
(() => {
  const SCALES = { "@scores": ["map-0", "map-1", "map-2", "map-3"], "@epochs": ["map-0", "map-1", "map-2", "map-3"] };
  const answers = new Map();

  function styles() {
    const css = getComputedStyle(document.documentElement);
    return name => css.getPropertyValue("--" + name).trim();
  }

  /* The names of colours in a chart, as the page's style has them now. */
  function coloured(value, style) {
    if (typeof value === "string") {
      if (value in SCALES) return SCALES[value].map((name, k, names) => [k / (names.length - 1), style(name)]);
      return value.startsWith("@") ? style(value.slice(1)) : value;
    }
    if (Array.isArray(value)) return value.map(item => coloured(item, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
  }

  function dressed(layout, style) {
    const axis = { gridcolor: style("line"), linecolor: style("line"), zeroline: false, automargin: true, ticks: "" };
    const small = { size: 12, color: style("quiet") };
    return {
      ...layout,
      xaxis: { ...axis, ...layout.xaxis, title: { ...layout.xaxis.title, font: small, standoff: 8 }, showgrid: false, showline: true },
      yaxis: { ...axis, ...layout.yaxis, title: { ...layout.yaxis.title, font: small, standoff: 8 } },
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: style("quiet") },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 48, r: 16, t: 12, b: 40 }, hovermode: "closest",
      hoverlabel: { bgcolor: style("card"), bordercolor: style("line"), font: { color: style("ink") } },
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.02, yanchor: "bottom", font: { color: style("quiet") }, itemclick: false, itemdoubleclick: false },
    };
  }

  async function ask(address) {
    const answer = await fetch(address), told = await answer.text();
    return answer.ok ? JSON.parse(told) : {};
  }

  async function draw(plot) {
    const address = plot.dataset.from;
    if (!answers.has(address)) answers.set(address, ask(address));
    const chart = (await answers.get(address))[plot.dataset.chart];
    plot.closest("figure").hidden = !chart;
    if (!chart) return;
    const style = styles(), config = { displayModeBar: false, responsive: true };
    await Plotly.react(plot, coloured(chart.data, style), dressed(coloured(chart.layout, style), style), config);
    plot.dataset.drawn = "";
    plot.removeAllListeners("plotly_click");
    plot.on("plotly_click", event => {
      const [point] = event.points;
      if (typeof point.customdata === "string" && point.customdata.startsWith("/")) location.assign(point.customdata);
    });
  }

  const plots = [...document.querySelectorAll("[data-chart]")];
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "300px" });
  plots.forEach(plot => seen.observe(plot));

  const again = () => plots.filter(plot => "drawn" in plot.dataset || plot.closest("figure").hidden).forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("newer", () => { answers.clear(); again(); });
})();
