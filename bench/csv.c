/* Reading a CSV file into typed columns, types guessed, one thread: bench_csv FILE. Best of three;
 * the file is in the page cache from the second time on. */
#include "bench/bench.h"
#include "shell/source/source.h"

enum { TIMES = 3 };

static void read_all(const char *path, struct source_counts *counts, uint32_t *columns)
{
    struct source_options o;
    struct source *s;
    struct frame f;
    struct error e;

    source_options_init(&o, path);
    if (!source_open(&o, &s, &e))
        bench_fail(&e);
    *columns = source_schema(s)->count;
    frame_init(&f, source_schema(s), SOURCE_FRAME_ROWS, SOURCE_TEXT_BYTES);
    do {
        if (!source_read(s, &f, &e))
            bench_fail(&e);
    } while (f.rows > 0);
    source_counts(s, counts);
    frame_fini(&f);
    source_close(s);
}

int main(int argc, char **argv)
{
    struct source_counts counts = {0};
    uint32_t columns = 0;
    double best = 1e9;

    if (argc != 2)
        return 2;
    for (int i = 0; i < TIMES; i++) {
        double start = bench_now_s(), taken;

        read_all(argv[1], &counts, &columns);
        taken = bench_now_s() - start;
        best = taken < best ? taken : best;
    }
    printf("%s: %lu rows, %u columns, 1 thread, types guessed, best of %d\n", argv[1],
           (unsigned long)counts.rows, columns, TIMES);
    bench_put("csv_read_M_cells_per_s", (double)counts.rows * columns / best / 1e6);
    bench_put("csv_read_MB_per_s", (double)counts.bytes_done / best / 1e6);
    return 0;
}
