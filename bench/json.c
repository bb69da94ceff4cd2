/* One event of an HTTP request: JSON to typed fields, and the event's bytes as the log keeps them.
 * One thread, hot. */
#include "core/data/json.h"
#include "bench/bench.h"
#include "core/data/event.h"

enum { EVENTS = 1000000 };

static const char event[] =
    "{\"transaction_id\":\"tx-0001234567\",\"timestamp\":\"2018-08-14T23:59:57Z\","
    "\"customer_id\":\"c-004961\",\"terminal_id\":\"t-003412\",\"amount\":81.51,"
    "\"currency\":\"EUR\",\"channel\":\"contactless\",\"lat\":48.85341,\"lon\":2.3488,"
    "\"attempt\":1}";

static struct schema *make_schema(struct error *e)
{
    static const struct {
        const char *name;
        enum type type;
    } fields[] = {
        {"transaction_id", TYPE_TEXT}, {"timestamp", TYPE_TIME}, {"customer_id", TYPE_TEXT},
        {"terminal_id", TYPE_TEXT},    {"amount", TYPE_DECIMAL}, {"currency", TYPE_TEXT},
        {"channel", TYPE_TEXT},        {"lat", TYPE_REAL},       {"lon", TYPE_REAL},
        {"attempt", TYPE_INT}};
    struct schema *s = schema_new();

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!schema_add(s, text_of(fields[i].name), fields[i].type, e))
            bench_fail(e);
    }
    return s;
}

int main(void)
{
    struct error e;
    struct schema *s = make_schema(&e);
    struct json_reader *r = json_reader_new();
    struct problems problems = {0};
    struct buffer bytes;
    struct frame f;
    double start, decoded;

    frame_init(&f, s, 1, 1 << 16);
    buffer_init(&bytes, 1 << 16);
    start = bench_now_s();
    for (int i = 0; i < EVENTS; i++) {
        frame_clear(&f);
        if (!json_read_event(r, event, sizeof event - 1, s, JSON_UNKNOWN_REFUSE, &f, &problems))
            return 1;
    }
    decoded = bench_now_s() - start;
    start = bench_now_s();
    for (int i = 0; i < EVENTS; i++) {
        buffer_clear(&bytes);
        event_encode(&bytes, s, &f, 0);
    }
    printf("event of %zu bytes and %u fields, 1 thread, hot, %d times\n", sizeof event - 1,
           s->count, EVENTS);
    bench_put("json_decode_ns", decoded / EVENTS * 1e9);
    bench_put("event_encode_ns", (bench_now_s() - start) / EVENTS * 1e9);
    buffer_fini(&bytes);
    frame_fini(&f);
    json_reader_free(r);
    schema_free(s);
    return 0;
}
