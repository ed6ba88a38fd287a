/* mpi_test_agree.c: one outcome on all ranks; a failed MPI call ends its communicator. */
#include "rj_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/agree.h"

/* The linker puts this in the place of MPI_Abort (--wrap). */
int __wrap_MPI_Abort(MPI_Comm comm, int code);
static MPI_Comm aborted = MPI_COMM_NULL;
static int exit_code;
int __wrap_MPI_Abort(MPI_Comm comm, int code)
{
    aborted = comm;
    exit_code = code;
    return MPI_SUCCESS;
}

static void failed_mpi_call_aborts_its_communicator(void **x)
{
    int same = MPI_UNEQUAL;
    (void)x;
    MPI_Comm_compare(rj_test_comm, MPI_COMM_WORLD, &same);
    assert_all(same == MPI_CONGRUENT);
    RJ_MPI(rj_test_comm, MPI_Barrier(rj_test_comm));
    assert_all(aborted == MPI_COMM_NULL);
    RJ_MPI(rj_test_comm, MPI_Send(NULL, 0, MPI_INT, rj_test_size, 0, rj_test_comm)); /* no such rank */
    assert_all(aborted == rj_test_comm && exit_code == EXIT_FAILURE);
    assert_all(strstr(rj_status_message(), "MPI_Send(NULL") != NULL);
}

/* Each rank fails with its own code and says so. */
static rj_status outcome(rj_status code)
{
    return code == RJ_OK ? RJ_OK : rj_raise(code, __FILE__, __LINE__, "rank %d: %d", rj_test_rank, (int)code);
}

static rj_status agreed(rj_status code)
{
    rj_status st = RJ_OK;
    RJ_TRY_ALL(rj_test_comm, outcome(code));
done:
    return st;
}

static bool message_is(int rank, rj_status code)
{
    char text[64];
    snprintf(text, sizeof text, "rank %d: %d [", rank, (int)code);
    return strstr(rj_status_message(), text) != NULL;
}

static void one_failure_is_everyones(void **x)
{
    (void)x;
    assert_all(agreed(RJ_OK) == RJ_OK);
    for (int bad = 0; bad < rj_test_size; bad++) {
        assert_all(agreed(rj_test_rank == bad ? RJ_ERR_IO : RJ_OK) == RJ_ERR_IO);
        assert_all(message_is(bad, RJ_ERR_IO));
    }
}

static void largest_code_then_lowest_rank_speaks(void **x)
{
    (void)x;
    assert_all(agreed(rj_test_rank == rj_test_size - 1 ? RJ_ERR_ARG : RJ_ERR_NUMERIC) == RJ_ERR_ARG);
    assert_all(message_is(rj_test_size - 1, RJ_ERR_ARG));
    assert_all(agreed(RJ_ERR_ARG) == RJ_ERR_ARG);
    assert_all(message_is(0, RJ_ERR_ARG));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(failed_mpi_call_aborts_its_communicator),
        rj_unit_test(one_failure_is_everyones),
        rj_unit_test(largest_code_then_lowest_rank_speaks),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
