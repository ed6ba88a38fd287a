/* expect.h: what one unit of work takes on a machine: seconds by stage and bytes, from plain numbers, before anything is run. */
#ifndef RESJAC_SCHEDULE_EXPECT_H
#define RESJAC_SCHEDULE_EXPECT_H

#include <stdbool.h>

#include "resjac/schedule/cost.h"

/* Seconds a piece of work of one rank; of each pair the first in single, the second in double arithmetic. */
typedef struct {
    rj_cost_rates rates[2];
    double forward[2]; /* a flop of a product with as many columns as a prompt has tokens */
    double fold[2];    /* a flop of a folded Jacobian, all passes over its arrays included */
    double couple[2];  /* a flop of the coupling's wide products, its small ones included */
    double
        null_draw; /* a random number of the chance levels' draws, with its share of what is made of them */
    double dequantise;             /* a weight, read and made a number */
    double draw;                   /* a weight of a random-init twin */
    double store_unit, store_byte; /* a unit's file: flushes; a byte */
    double open_model;             /* headers and tokenizer */
    double claim;                  /* a claim of a unit, at the counter's rank */
    double latency, byte;          /* a message; a byte of it */
    double digest;                 /* a byte of weights, for the fingerprint */
    double file,
        file_system;   /* seconds of the metadata server a file; bytes a second that all writers share */
    double merge_byte; /* a byte of units, on its way into the final file */
} rj_machine;

/* One core of a Zen 4 with OpenBLAS 0.3.21 and a local disk, and a network of 2 us and 10 GB/s: for comparing layouts. */
rj_machine rj_machine_built_in(void);

/* The token modes, a prompt and block (mean over the blocks). */
typedef struct {
    double forwards;  /* forward passes of a whole prompt through the block */
    double jacobians; /* folded, */
    double full;      /* of them those whose every singular value is wanted */
    double pairs;     /* J times a frame */
} rj_token_work;

/* One model and what a deck asks of it. */
typedef struct {
    int n_layer, d, n_head, attention, kv,
        d_ff; /* attention = heads * head size, kv = key-value heads * head size */
    bool gated, parallel, twin, is_double, krylov, matrix_free, vju;
    int k;         /* triplets that must hold */
    int most;      /* triplets that are kept */
    int probes;    /* random columns behind a norm where J is not formed */
    int n_k;       /* values of K */
    double sum_k2; /* sum of K^2 over them */
    int prompts;   /* of a unit */
    double tokens; /* of a prompt, mean */
    double stored; /* bytes of the unit's file */
    rj_token_work token;
} rj_work;

typedef enum {
    RJ_WORK_READ = 0,
    RJ_WORK_FORWARD,
    RJ_WORK_JACOBIAN,
    RJ_WORK_SVD,
    RJ_WORK_COUPLING,
    RJ_WORK_EXCHANGE,
    RJ_WORK_STORE,
    RJ_N_WORK
} rj_work_stage;

/* Of one unit by a team of stages x n_grid ranks: seconds of the rank that has most to do, by stage; flops of the whole team;
 * seconds from claim to stored. */
typedef struct {
    double seconds[RJ_N_WORK], flops, total;
} rj_expectation;

/* Not collective. Dequantising is counted once a batch of prompts. */
rj_expectation rj_expect_unit(const rj_machine *m, const rj_work *w, int stages, int n_grid);

/* Weights of one block. */
double rj_work_block_weights(const rj_work *w);
#endif
