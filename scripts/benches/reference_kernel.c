/* A yardstick of the simulator's benchmark: a dense ring of arriving charge, in C by hand with AVX-512.
 *
 * iaf_psc_exp by exact integration in float32, with trials as SIMD lanes: state (neuron, quantity, lane), the ring
 * (slot, neuron, polarity, lane), and flags by which a neuron with nothing arriving skips it. The package computes the
 * same in another way: it keeps the spikes on their way as masks of lanes in a queue, and has no ring. Without AVX-512
 * the compiler makes vectors of what it can. Nothing in the package uses it; c_kernel.py compiles and calls it.
 *
 * What makes it faster than the obvious loop:
 *  - 128 trials are advanced as two passes of 64, so that a pass's state stays in the first-level cache.
 *  - Of the remaining refractory steps only the step at which they end is stored, when a neuron spikes. Stores bound
 *    the loop, and this leaves three a neuron instead of four.
 *  - The flags tell the polarities apart: charge of one does not cost loads and stores for the other.
 *  - Slot and target of a synapse are one precomputed row offset.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

enum { BLOCK = 128, LANES = 64 };
enum { EXCITATORY = 1, INHIBITORY = 2 };

const int32_t lanes_per_block = BLOCK, lanes_per_pass = LANES;

/* A row is a neuron in a slot: slot × N + neuron. `reach` counts rows from (current slot, neuron 0). */
typedef struct { int32_t reach; float weight_pA; } synapse;
typedef struct { int32_t channel, lane; } event;
typedef struct {
    float p22, p21_ex, p21_in, drive, threshold, reset, p11_ex, p11_in;
    int32_t refractory_steps, polarity; /* 0: excitatory, 1: inhibitory */
    int32_t first, end;                 /* its outgoing synapses */
} parameters;
typedef struct {
    float v[LANES], i_ex[LANES], i_in[LANES];
    int32_t release[LANES]; /* the first step that is not refractory */
} neuron;
typedef struct { float of[2][LANES]; } charge;

/* One step of one neuron in all lanes of a pass; returns the lanes that spike. Inlined with constant `arriving`, so
 * that the polarity with nothing arriving vanishes. */
static inline __attribute__((always_inline)) uint64_t
update(neuron *restrict s, charge *restrict arrived, const parameters *restrict c, int32_t step, const int arriving)
{
    uint64_t spiking = 0;
#ifdef __AVX512F__
    const __m512 p22 = _mm512_set1_ps(c->p22), p21_ex = _mm512_set1_ps(c->p21_ex), p21_in = _mm512_set1_ps(c->p21_in);
    const __m512 p11_ex = _mm512_set1_ps(c->p11_ex), p11_in = _mm512_set1_ps(c->p11_in);
    const __m512 drive = _mm512_set1_ps(c->drive), zero = _mm512_setzero_ps();
    const __m512 threshold = _mm512_set1_ps(c->threshold), reset = _mm512_set1_ps(c->reset);
    const __m512i now = _mm512_set1_epi32(step);
#pragma GCC unroll 4
    for (int k = 0; k < LANES; k += 16) {
        __m512 v = _mm512_load_ps(s->v + k), i_ex = _mm512_load_ps(s->i_ex + k), i_in = _mm512_load_ps(s->i_in + k);
        __mmask16 free = _mm512_cmple_epi32_mask(_mm512_load_si512(s->release + k), now);
        __m512 from_currents = _mm512_fmadd_ps(i_ex, p21_ex, _mm512_fmadd_ps(i_in, p21_in, drive));
        v = _mm512_mask_fmadd_ps(v, free, p22, from_currents);
        if (arriving & EXCITATORY) {
            i_ex = _mm512_fmadd_ps(i_ex, p11_ex, _mm512_load_ps(arrived->of[0] + k));
            _mm512_store_ps(arrived->of[0] + k, zero);
        } else
            i_ex = _mm512_mul_ps(i_ex, p11_ex);
        if (arriving & INHIBITORY) {
            i_in = _mm512_fmsub_ps(i_in, p11_in, _mm512_load_ps(arrived->of[1] + k));
            _mm512_store_ps(arrived->of[1] + k, zero);
        } else
            i_in = _mm512_mul_ps(i_in, p11_in);
        __mmask16 crossed = _mm512_cmp_ps_mask(v, threshold, _CMP_GE_OQ);
        _mm512_store_ps(s->i_ex + k, i_ex);
        _mm512_store_ps(s->i_in + k, i_in);
        _mm512_store_ps(s->v + k, _mm512_mask_mov_ps(v, crossed, reset));
        spiking |= (uint64_t)crossed << k;
    }
#else
    const parameters p = *c; /* copied, or the compiler must assume that the stores change them */
    _Alignas(64) int32_t crossed[LANES]; /* as wide as a float, or the loop would not become vectors */
    for (int k = 0; k < LANES; k++) {
        float v = s->v[k], i_ex = s->i_ex[k], i_in = s->i_in[k];
        float moved = v * p.p22 + i_ex * p.p21_ex + i_in * p.p21_in + p.drive;
        v = s->release[k] <= step ? moved : v;
        s->i_ex[k] = i_ex * p.p11_ex + (arriving & EXCITATORY ? arrived->of[0][k] : 0.0f);
        s->i_in[k] = i_in * p.p11_in - (arriving & INHIBITORY ? arrived->of[1][k] : 0.0f);
        crossed[k] = v >= p.threshold;
        s->v[k] = v >= p.threshold ? p.reset : v;
    }
    if (arriving & EXCITATORY)
        memset(arrived->of[0], 0, sizeof arrived->of[0]);
    if (arriving & INHIBITORY)
        memset(arrived->of[1], 0, sizeof arrived->of[1]);
    int32_t any = 0;
    for (int k = 0; k < LANES; k++)
        any |= crossed[k];
    if (any)
        for (int k = 0; k < LANES; k++)
            spiking |= (uint64_t)crossed[k] << k;
#endif
    return spiking;
}

/* Where a synapse's charge arrives. */
static inline int32_t row_of(int32_t row0, int32_t reach, int32_t n_rows)
{
    const int32_t row = row0 + reach;
    return row >= n_rows ? row - n_rows : row;
}

/* Send the spikes of one neuron. Not inlined: the loop over neurons needs the registers. */
static __attribute__((noinline)) void
send(const parameters *restrict p, const synapse *restrict synapses, uint64_t spiking, int32_t release, int32_t row0,
     int32_t n_rows, neuron *restrict s, charge *restrict ring, uint8_t *restrict pending, int32_t *restrict counts)
{
    for (uint64_t rest = spiking; rest; rest &= rest - 1) {
        const int lane = __builtin_ctzll(rest);
        s->release[lane] = release;
        counts[lane]++;
    }
    for (int32_t y = p->first; y < p->end; y++) {
        const int32_t row = row_of(row0, synapses[y].reach, n_rows);
        pending[row] |= (uint8_t)(EXCITATORY << p->polarity);
        float *to = ring[row].of[p->polarity];
        for (uint64_t rest = spiking; rest; rest &= rest - 1)
            to[__builtin_ctzll(rest)] += synapses[y].weight_pA;
    }
}

/* Advance a block of 128 trials by n_steps, from the given state and a ring whose current slot is 0.
 *
 * The two passes' parts of `state`, `ring` and `pending` follow each other; the events of pass p in a step start at
 * event_start[p × n_steps + step]. State and ring are aligned to 64 bytes. */
void advance_block(
    int32_t n_neurons, int32_t n_slots, int32_t n_steps,
    int32_t used,                           /* how many lanes hold a trial; spikes of the others are dropped */
    const parameters *restrict parameter,   /* [N] */
    const synapse *restrict synapses,       /* reach = delay_steps × N + target */
    const int32_t *restrict afferent_start, /* [C + 1] */
    const synapse *restrict afferents,      /* reach = (delay_steps − 1) × N + target */
    const int32_t *restrict event_start,    /* [2 × n_steps + 1] */
    const event *restrict events,
    neuron *restrict state,    /* [2, N] */
    charge *restrict ring,     /* [2, D, N] */
    uint8_t *restrict pending, /* [2, D, N]: EXCITATORY | INHIBITORY */
    int32_t *restrict counts)  /* [N, 128], added to */
{
    const int32_t n_rows = n_slots * n_neurons;
    for (int32_t lane0 = 0; lane0 < BLOCK && lane0 < used; lane0 += LANES) {
        const uint64_t live = used - lane0 >= LANES ? ~UINT64_C(0) : (UINT64_C(1) << (used - lane0)) - 1;
        int32_t row0 = 0; /* the current slot's first row */
        for (int32_t step = 0; step < n_steps; step++) {
            for (int32_t e = event_start[step]; e < event_start[step + 1]; e++) {
                const event in = events[e];
                for (int32_t a = afferent_start[in.channel]; a < afferent_start[in.channel + 1]; a++) {
                    const int32_t row = row_of(row0, afferents[a].reach, n_rows);
                    pending[row] |= EXCITATORY;
                    ring[row].of[0][in.lane] += afferents[a].weight_pA;
                }
            }
            for (int32_t n = 0; n < n_neurons; n++) {
                neuron *s = state + n;
                charge *arrived = ring + row0 + n;
                const parameters *p = parameter + n;
                const uint8_t arriving = pending[row0 + n];
                uint64_t spiking;
                if (arriving == 0)
                    spiking = update(s, arrived, p, step, 0);
                else {
                    pending[row0 + n] = 0;
                    if (arriving == EXCITATORY)
                        spiking = update(s, arrived, p, step, EXCITATORY);
                    else if (arriving == INHIBITORY)
                        spiking = update(s, arrived, p, step, INHIBITORY);
                    else
                        spiking = update(s, arrived, p, step, EXCITATORY | INHIBITORY);
                }
                spiking &= live;
                if (spiking)
                    send(p, synapses, spiking, step + 1 + p->refractory_steps, row0, n_rows, s, ring, pending,
                         counts + n * BLOCK + lane0);
            }
            row0 += n_neurons;
            if (row0 == n_rows)
                row0 = 0;
        }
        event_start += n_steps;
        state += n_neurons;
        ring += n_rows;
        pending += n_rows;
    }
}
