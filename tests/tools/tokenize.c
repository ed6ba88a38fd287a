/* tokenize.c: tokenize TOKENIZER CORPUS: compares every line of a corpus.jsonl (tests/oracle/tokens.py writes them) with
 * the ids from a tokenizer.json or a GGUF file. Exit 0: all agree, 1: some do not, 2: could not be read. */
#include "../tokenizer/corpus.h"

#include "resjac/base/clock.h"

int main(int argc, char **argv)
{
    rj_tokenizer *tok = NULL;
    long n = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: tokenize TOKENIZER.{json,gguf} CORPUS.jsonl\n");
        return 2;
    }
    const double start = rj_clock_now();
    if (corpus_tokenizer(argv[1], &tok) != RJ_OK) {
        fprintf(stderr, "%s\n", rj_status_message());
        return 2;
    }
    const double opened = rj_clock_now();
    const long bad = corpus_mismatches(argv[2], tok, &n);
    printf("%s\n%ld lines, %ld mismatches; opened in %.3f s, encoded in %.3f s\n", rj_tokenizer_summary(tok),
           n, bad, opened - start, rj_clock_now() - opened);
    rj_tokenizer_close(&tok);
    return bad != 0 || n == 0;
}
