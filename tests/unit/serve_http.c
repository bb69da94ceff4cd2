#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/serve/inside.h"
#include "tests/unit/serve_fake.h"

enum { QUEUE = 64, BODY_LIMIT = 4096, READ_MAX = 8 << 20 };

static char directory[256], store_path[300];
static struct shard *shard;
static struct project *project;
static struct server *server;
static struct error e;
static _Atomic bool train_may_end;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, e.text);                                                     \
    } while (0)

/* ---- a client ---- */

struct reply {
    int status;
    char *all; /* head and body */
    const char *body;
};

static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(server_port(server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* refused while sending: the answer says why */
        bytes += n;
        length -= (size_t)n;
    }
}

static struct reply receive(int fd)
{
    struct reply r = {.all = mem_alloc(READ_MAX)};
    size_t length = 0;
    ssize_t n;

    while ((n = recv(fd, r.all + length, READ_MAX - 1 - length, 0)) > 0)
        length += (size_t)n;
    close(fd);
    r.status = length > 12 ? atoi(r.all + 9) : 0;
    r.body = strstr(r.all, "\r\n\r\n");
    r.body = r.body != NULL ? r.body + 4 : r.all + length;
    return r;
}

static struct reply ask_raw(const char *bytes)
{
    int fd = dial();

    send_all(fd, bytes, strlen(bytes));
    return receive(fd);
}

static struct reply ask_as(const char *method, const char *path, const char *type, const char *body)
{
    char head[1024];
    int fd = dial();

    snprintf(head, sizeof head,
             "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s%sContent-Length: "
             "%zu\r\n\r\n",
             method, path, type != NULL ? "Content-Type: " : "", type != NULL ? type : "",
             type != NULL ? "\r\n" : "", strlen(body));
    send_all(fd, head, strlen(head));
    send_all(fd, body, strlen(body));
    return receive(fd);
}

static struct reply post(const char *path, const char *body)
{
    return ask_as("POST", path, "application/json", body);
}

static struct reply get(const char *path)
{
    return ask_as("GET", path, NULL, "");
}

static void holds(struct reply r, int status, const char *const *words)
{
    if (r.status != status)
        fail_msg("expected %d, found: %s", status, r.all);
    for (; words != NULL && *words != NULL; words++) {
        if (strstr(r.all, *words) == NULL)
            fail_msg("expected %s in: %s", *words, r.all);
    }
    mem_free(r.all);
}

#define HOLDS(reply, status, ...) holds(reply, status, (const char *const[]){__VA_ARGS__, NULL})

#define EVENT(id, amount)                                                                          \
    "{\"id\":\"" id "\",\"at\":\"2018-04-01T00:00:31Z\",\"amount\":" amount "}"

/* ---- set-up ---- */

static bool train(void *context, const struct server_request *request,
                  const struct progress *progress, struct buffer *result, struct error *error)
{
    (void)context;
    (void)request;
    while (!train_may_end) {
        if (!progress_report(progress, "trees \"%s\"", 0.25))
            return error_set(error, ERROR_CANCELLED, "stopped");
        clock_sleep_us(1000);
    }
    buffer_add_text(result, "{\"ap\":0.5}");
    return true;
}

static void start(void)
{
    static char host[] = "127.0.0.1";
    static struct server_setting setting = {.host = host,
                                            .port = 0,
                                            .threads = 2,
                                            .connections = 1024,
                                            .queue = QUEUE,
                                            .body_bytes = BODY_LIMIT};
    struct project_options o = {.store = {STORE_SQLITE, store_path}};

    shard = fake_open(directory, LOG_SYNC_NEVER, QUEUE);
    o.log_directory = fake_log_directory(shard);
    o.plans = shard_plans(shard);
    o.log = shard_log(shard);
    MUST(project_open(&o, &project, &e));
    MUST(server_start(&(struct server_options){.setting = &setting,
                                               .shard = shard,
                                               .project = project,
                                               .store = {STORE_SQLITE, store_path},
                                               .train = {train, NULL}},
                      &server, &e));
}

static void stop(void)
{
    server_stop(server);
    project_close(project);
    shard_close(shard);
}

static int set_up(void **state)
{
    (void)state;
    train_may_end = false;
    snprintf(directory, sizeof directory, "/tmp/assay-serve-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(store_path, sizeof store_path, "%s/store.sqlite", directory);
    start();
    return 0;
}

static int tear_down(void **state)
{
    char command[300];

    (void)state;
    stop();
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static void wait_projected(void)
{
    struct project_status status;

    do {
        clock_sleep_us(1000);
        project_status(project, &status);
        assert_false(status.is_failed);
    } while (status.lag > 0);
}

/* ---- decisions ---- */

static void an_event_is_decided(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", EVENT("a", "57.16")), 200, "\"id\":\"a\"", "\"seq\":2",
          "\"time\":\"2018-04-01T00:00:31Z\"", "\"outcome\":\"approve\"", "\"score\":57",
          "\"probability\":0.057", "\"level\":\"LOW\"", "\"rules\":[]", "\"reasons\":[]",
          "\"flags\":[\"no_model\"]", "\"plan\":\"a0a1a2a3a4a5a6a7\"");
    HOLDS(
        post("/v1/decisions", EVENT("b", "900")), 200, "\"outcome\":\"decline\"",
        "\"rules\":[\"BIG\"]",
        "\"reasons\":[{\"feature\":\"amount \\\"quoted\\\"\",\"contribution\":900,\"code\":\"AMOUNT\"}]");
    HOLDS(post("/v1/decisions?explain=true", EVENT("c", "1")), 200,
          "\"contribution\":1,\"code\":\"AMOUNT\"}");
}

/* A route without roles would be for admins alone: nobody means that. */
static void every_route_says_who_may(void **state)
{
    (void)state;
    for (unsigned i = 0; i < route_count; i++) {
        if (routes[i].roles == 0)
            fail_msg("%s has no roles", routes[i].pattern);
    }
}

static void answers_carry_security_headers(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", EVENT("a", "1")), 200, "Server: assay\r\n",
          "X-Content-Type-Options: nosniff\r\n", "Cache-Control: no-store\r\n",
          "Content-Type: application/json\r\n", "Content-Security-Policy: default-src 'none'");
}

static void a_repeated_event_gets_the_first_answer(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", EVENT("a", "57.16")), 200, "\"seq\":2");
    HOLDS(post("/v1/decisions", " " EVENT("a", "57.160")), 200, "\"seq\":2", "\"repeated\":true",
          "Idempotent-Replay: true\r\n");
    HOLDS(post("/v1/decisions", EVENT("a", "58")), 409, "application/problem+json",
          "urn:assay:problem:conflict");
}

static void an_event_without_an_id_gets_one(void **state)
{
    struct reply r = post("/v1/decisions", "{\"at\":\"2018-04-01T00:00:31Z\",\"amount\":1}");

    (void)state;
    assert_int_equal(r.status, 200);
    assert_memory_equal(r.body, "{\"id\":\"0", 8);
    assert_int_equal(r.body[7 + 14], '7'); /* UUID version */
    mem_free(r.all);
}

static void a_dry_run_leaves_nothing(void **state)
{
    struct reply r = post("/v1/decisions?dry_run=true", EVENT("a", "900"));

    (void)state;
    assert_null(strstr(r.body, "\"seq\""));
    HOLDS(r, 200, "\"outcome\":\"decline\"");
    HOLDS(get("/v1/decisions/a"), 404, "application/problem+json");
}

static void bad_events_name_their_fields(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", ""), 400, "\"pointer\":\"\"");
    HOLDS(post("/v1/decisions", "{"), 400, "\"errors\":[");
    HOLDS(post("/v1/decisions", "[]"), 400, "\"errors\":[");
    HOLDS(post("/v1/decisions", EVENT("a", "1") "x"), 400, "\"errors\":[");
    HOLDS(post("/v1/decisions", "{\"id\":\"a\",\"amount\":1}"), 422, "\"pointer\":\"/at\"");
    HOLDS(post("/v1/decisions", EVENT("a", "\"much\"")), 422, "\"pointer\":\"/amount\"");
    HOLDS(post("/v1/decisions", EVENT("a", "1,\"amuont\":2")), 422, "\"pointer\":\"/amuont\"",
          "amount");
    HOLDS(post("/v1/decisions", EVENT("a", "1,\"%s%n\":2")), 422, "/%s%n");
    HOLDS(post("/v1/decisions", EVENT("a", "1,\"amount\":2")), 422, "amount");
}

static void hostile_documents_are_refused(void **state)
{
    char deep[3000];
    char long_id[600];

    (void)state;
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    HOLDS(post("/v1/decisions", deep), 400, "\"status\":400");
    HOLDS(post("/v1/decisions", "{\"at\":\"\xff\"}"), 400, "\"status\":400");
    holds(post("/v1/decisions", EVENT("a", "1e999")), 400, NULL);
    memset(long_id, 'x', sizeof long_id);
    memcpy(long_id, "{\"id\":\"", 7);
    strcpy(long_id + 300, "\",\"at\":\"2018-04-01T00:00:31Z\"}");
    HOLDS(post("/v1/decisions", long_id), 422, "\"pointer\":\"/id\"");
}

static void heads_are_checked(void **state)
{
    char big[BODY_LIMIT + 100];

    (void)state;
    HOLDS(ask_as("POST", "/v1/decisions", "text/plain", EVENT("a", "1")), 415, "application/json");
    HOLDS(ask_as("POST", "/v1/decisions", NULL, EVENT("a", "1")), 415, "found none");
    HOLDS(ask_as("POST", "/v1/decisions", "application/json; charset=utf-8", EVENT("a", "1")), 200,
          "\"seq\":2");
    HOLDS(get("/nothing"), 404, "\"instance\":\"/nothing\"");
    HOLDS(get("/v1/decisions/"), 404, "no such path");
    HOLDS(ask_as("DELETE", "/v1/decisions", NULL, ""), 405, "Allow: GET, HEAD, POST\r\n");
    HOLDS(get("/v1/labels"), 405, "Allow: POST\r\n");
    HOLDS(post("/v1/decisions?explian=true", EVENT("a", "1")), 400, "explian");
    HOLDS(post("/v1/decisions?explain=yes", EVENT("a", "1")), 400, "true or false");
    memset(big, ' ', sizeof big);
    big[sizeof big - 1] = 0;
    HOLDS(post("/v1/decisions", big), 413, "4096");
    HOLDS(ask_raw("GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"), 421,
          "loopback");
    HOLDS(ask_raw("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n"),
          200, "alive");
    HOLDS(get("/no%22%0d%0aX-Evil:%20such"), 404, "/no\\\"\\r\\nX-Evil: such");
}

static void a_chunked_body_has_a_limit_too(void **state)
{
    char body[3 * BODY_LIMIT];
    int length;

    (void)state;
    length = snprintf(body, sizeof body,
                      "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
                      BODY_LIMIT + 10);
    memset(body + length, ' ', BODY_LIMIT + 10);
    strcpy(body + length + BODY_LIMIT + 10, "\r\n0\r\n\r\n");
    HOLDS(ask_raw(body), 413, "\"status\":413");
}

static void head_is_get_without_a_body(void **state)
{
    struct reply r = ask_as("HEAD", "/healthz", NULL, "");

    (void)state;
    assert_int_equal(r.status, 200);
    assert_int_equal(strlen(r.body), 0);
    mem_free(r.all);
}

static void connections_are_kept(void **state)
{
    static const char two[] =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Connection: close\r\nContent-Length: 49\r\n\r\n" EVENT("a", "1");
    struct reply r = ask_raw(two);

    (void)state;
    HOLDS(r, 200, "alive", "\"outcome\":\"approve\"");
}

static void trouble_in_the_shard_is_told(void **state)
{
    (void)state;
    fake_refuse(shard, SUBMIT_FULL);
    HOLDS(post("/v1/decisions", EVENT("a", "1")), 503, "Retry-After: ", "refused: 100% %s%n");
    fake_refuse(shard, SUBMIT_DONE);
    HOLDS(post("/v1/decisions", EVENT("a", "1")), 200, "\"seq\"");
    fake_fail(shard);
    HOLDS(post("/v1/decisions", EVENT("b", "1")), 503, "Retry-After: ");
    HOLDS(get("/readyz"), 503, "disk is gone: %s%n");
    HOLDS(get("/healthz"), 200, "alive");
}

static void a_full_queue_is_told(void **state)
{
    struct reply last;
    int fd[QUEUE + 8];
    unsigned busy = 0;

    (void)state;
    fake_hold(shard, true);
    clock_sleep_us(150000); /* the stand-in is not in queue_take any more */
    for (int i = 0; i < QUEUE + 8; i++) {
        char text[512];

        fd[i] = dial();
        snprintf(text, sizeof text,
                 "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                 "Content-Type: application/json\r\nContent-Length: 31\r\n\r\n"
                 "{\"at\":\"2018-04-01T00:00:31.%03dZ\"}",
                 i);
        snprintf(strstr(text, "Content-Length: 31") + 16, 3, "%d",
                 (int)strlen(strstr(text, "\r\n\r\n") + 4));
        strstr(text, "Content-Length: ")[18] = '\r';
        send_all(fd[i], text, strlen(text));
    }
    clock_sleep_us(200000);
    fake_hold(shard, false);
    for (int i = 0; i < QUEUE + 8; i++) {
        last = receive(fd[i]);
        assert_true(last.status == 200 || last.status == 429);
        if (last.status == 429)
            assert_non_null(strstr(last.all, "Retry-After: 1\r\n"));
        busy += last.status == 429;
        mem_free(last.all);
    }
    assert_int_equal(busy, 8);
}

/* ---- waiting: connections are held for a moment, then put to sleep ---- */

enum { CALLERS = 24, HELD_US = 30000, ASLEEP_US = 900000 };

static int call(int i)
{
    char body[100], text[400];
    int fd = dial();

    snprintf(body, sizeof body, "{\"id\":\"w%d\",\"at\":\"2018-04-01T00:00:31Z\",\"amount\":%d}", i,
             i);
    snprintf(text, sizeof text,
             "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    send_all(fd, text, strlen(text));
    return fd;
}

/* The peer's kernel says that there is no such connection. */
static void break_off(int fd)
{
    struct linger at_once = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

/* Every second caller breaks off after `patience_us`, the others are answered; what was asked is
 * decided for all, and no connection stays. */
static void some_break_off(int64_t patience_us)
{
    int fd[CALLERS];
    char path[40], id[40];

    fake_hold(shard, true);
    clock_sleep_us(150000); /* the stand-in is not in queue_take any more */
    for (int i = 0; i < CALLERS; i++)
        fd[i] = call(i);
    clock_sleep_us(patience_us);
    for (int i = 0; i < CALLERS; i += 2)
        break_off(fd[i]);
    clock_sleep_us(HELD_US);
    fake_hold(shard, false);
    for (int i = 1; i < CALLERS; i += 2) {
        snprintf(id, sizeof id, "\"id\":\"w%d\"", i);
        HOLDS(receive(fd[i]), 200, id, "\"outcome\":\"approve\"");
    }
    wait_projected();
    for (int i = 0; i < CALLERS; i++) {
        snprintf(path, sizeof path, "/v1/decisions/w%d", i);
        HOLDS(get(path), 200, "\"outcome\":\"approve\"");
    }
    for (int tries = 0; tries < 500 && http_connections(server->http) > 0; tries++)
        clock_sleep_us(10000);
    assert_int_equal(http_connections(server->http), 0);
}

static void callers_break_off_while_they_are_held(void **state)
{
    (void)state;
    some_break_off(HELD_US);
}

static void callers_break_off_while_they_are_asleep(void **state)
{
    (void)state;
    some_break_off(ASLEEP_US);
}

/* A second request behind one that waits is not read before that one's answer, and then at once. */
static void a_request_behind_one_that_waits(void **state)
{
    static const char next[] =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char first[] =
        "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 49\r\n\r\n" EVENT("a", "1");
    int fd = dial();

    (void)state;
    fake_hold(shard, true);
    clock_sleep_us(150000);
    send_all(fd, first, strlen(first));
    clock_sleep_us(HELD_US);
    send_all(fd, next, strlen(next));
    clock_sleep_us(HELD_US);
    fake_hold(shard, false);
    HOLDS(receive(fd), 200, "\"outcome\":\"approve\"", "alive");
}

/* ---- batches ---- */

static void a_batch_is_answered_line_by_line(void **state)
{
    struct reply r = ask_as("POST", "/v1/decisions:batch", "application/x-ndjson",
                            EVENT("a", "1") "\n" EVENT("b", "900") "\r\n\n{bad\n" EVENT(
                                "a", "1") "\n" EVENT("a", "2") "\n" EVENT("c", "3"));
    const char *at = r.body;
    static const char *const words[] = {"\"id\":\"a\"",      "\"id\":\"b\"",   "\"line\":4",
                                        "\"repeated\":true", "\"status\":409", "\"id\":\"c\""};

    (void)state;
    assert_int_equal(r.status, 200);
    for (unsigned i = 0; i < 6; i++) {
        const char *end = strchr(at, '\n');
        const char *found = strstr(at, words[i]);

        assert_non_null(end);
        if (found == NULL || found > end)
            fail_msg("expected %s in line %u of: %s", words[i], i + 1, r.body);
        at = end + 1;
    }
    assert_int_equal(*at, 0);
    mem_free(r.all);
}

static void a_large_batch_keeps_its_order(void **state)
{
    enum { LINES = 5000 };
    struct buffer body;
    struct reply r;
    const char *at;

    (void)state;
    buffer_init(&body, 1 << 20);
    for (int i = 0; i < LINES; i++)
        buffer_format(&body, "{\"id\":\"n%d\",\"at\":\"2018-04-01\",\"amount\":%d}\n", i, i % 1000);
    r = ask_as("POST", "/v1/decisions:batch", "application/x-ndjson", buffer_text(&body));
    assert_int_equal(r.status, 200);
    at = r.body;
    for (int i = 0; i < LINES; i++) {
        char start[64];

        snprintf(start, sizeof start, "{\"id\":\"n%d\",\"seq\":%d,", i, i + 2);
        assert_memory_equal(at, start, strlen(start));
        at = strchr(at, '\n') + 1;
    }
    mem_free(r.all);
    buffer_fini(&body);
    HOLDS(ask_as("POST", "/v1/decisions:batch", "application/x-ndjson", "\n \n"), 400,
          "expected 1 to 100000 lines");
}

/* ---- reading back ---- */

static void decisions_are_listed(void **state)
{
    struct reply r;
    char path[256];

    (void)state;
    HOLDS(post("/v1/decisions", EVENT("a", "10")), 200, "seq");
    HOLDS(post("/v1/decisions", EVENT("b", "900")), 200, "seq");
    HOLDS(post("/v1/decisions", EVENT("c", "400")), 200, "seq");
    wait_projected();
    r = get("/v1/decisions?sort=-score&limit=2");
    assert_int_equal(r.status, 200);
    assert_true(strstr(r.body, "\"id\":\"b\"") < strstr(r.body, "\"id\":\"c\""));
    snprintf(path, sizeof path, "/v1/decisions?sort=-score&limit=2&cursor=%.48s",
             strstr(r.body, "\"next\":\"") + 8);
    mem_free(r.all);
    HOLDS(get(path), 200, "{\"decisions\":[{\"id\":\"a\"", "\"next\":null", "\"label\":null");
    HOLDS(get("/v1/decisions?outcome=decline"), 200, "{\"decisions\":[{\"id\":\"b\"",
          "\"rules\":[\"BIG\"]");
    HOLDS(get("/v1/decisions?from=2020-01-01"), 200, "{\"decisions\":[],");
    HOLDS(get("/v1/decisions?to=2018-04-01T00:00:32Z&min_score=900"), 200, "\"id\":\"b\"");
    HOLDS(get("/v1/decisions?limit=0"), 400, "1 to 1000");
    HOLDS(get("/v1/decisions?limit=1001"), 400, "1 to 1000");
    HOLDS(get("/v1/decisions?sort=amount"), 400, "-score");
    HOLDS(get("/v1/decisions?from=yesterday"), 400, "yesterday");
    HOLDS(get("/v1/decisions?cursor=abc"), 400, "cursor");
}

static void one_decision_is_shown_with_inputs(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", EVENT("x/y \\u00e9", "57.16,\"note\":\"n\\\"\"")), 200, "seq");
    HOLDS(get("/v1/decisions/x/y%20%C3%A9"), 200, "\"inputs\":{\"id\":\"x/y \xc3\xa9\"",
          "\"amount\":57.16", "\"note\":\"n\\\"\"", "\"count\":null", "\"received\":\"",
          "\"label\":null}");
    HOLDS(get("/v1/decisions/none"), 404, "no decision of this event id");
    HOLDS(get("/v1/decisions/%ff"), 400, "UTF-8");
}

/* ---- labels ---- */

static void labels_are_taken(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", EVENT("a", "10")), 200, "seq");
    HOLDS(post("/v1/labels", "{\"id\":\"a\",\"label\":\"fraud\",\"source\":\"chargeback\"}"), 200,
          "\"event_seq\":2");
    wait_projected();
    HOLDS(get("/v1/decisions/a"), 200, "\"label\":true}");
    HOLDS(get("/v1/decisions"), 200, "\"label\":true}");
    HOLDS(post("/v1/labels", "{\"id\":\"a\",\"reversal\":true}"), 200, "\"event_seq\":2");
    wait_projected();
    HOLDS(get("/v1/decisions/a"), 200, "\"label\":null}");
    HOLDS(post("/v1/labels", "{\"id\":\"b\",\"label\":1}"), 404, "no event with this id");
    HOLDS(post("/v1/labels", "[{\"id\":\"a\",\"label\":0,\"time\":\"2018-05-01T00:00:00Z\"},"
                             "{\"id\":\"b\",\"label\":true},{\"id\":\"a\",\"label\":2},7]"),
          200, "\"status\":200", "\"status\":404", "\"pointer\":\"/label\"", "expected an object",
          "\"taken\":1,\"refused\":3");
}

static void bad_labels_name_their_members(void **state)
{
    (void)state;
    HOLDS(post("/v1/labels", "{\"label\":1}"), 422, "\"pointer\":\"/id\"");
    HOLDS(post("/v1/labels", "{\"id\":\"a\"}"), 422, "\"pointer\":\"/label\"");
    HOLDS(post("/v1/labels", "{\"id\":\"\",\"label\":1}"), 422, "\"pointer\":\"/id\"");
    HOLDS(post("/v1/labels", "{\"id\":\"a\",\"label\":1,\"time\":5}"), 422,
          "\"pointer\":\"/time\"");
    HOLDS(post("/v1/labels", "{\"id\":\"a\",\"lable\":1}"), 422, "\"pointer\":\"/lable\"",
          "did you mean \\\"label\\\"");
    HOLDS(post("/v1/labels", "[]"), 422, "1 to 10000");
    HOLDS(post("/v1/labels", "{\"id\":\"a\",\"id\":\"b\",\"label\":1}"), 400, "twice");
    HOLDS(post("/v1/labels", "nonsense"), 400, "not valid JSON");
}

/* ---- jobs, health ---- */

static void one_training_job_runs_at_a_time(void **state)
{
    struct reply r = post("/v1/models:train", "{}");
    char path[80];

    (void)state;
    assert_int_equal(r.status, 202);
    snprintf(path, sizeof path, "/v1/jobs/%.36s", r.body + 7);
    mem_free(r.all);
    HOLDS(post("/v1/models:train", "{}"), 409, path);
    HOLDS(get(path), 200, "\"state\":\"running\"");
    train_may_end = true;
    for (bool done = false; !done;) {
        r = get(path);
        done = strstr(r.body, "\"state\":\"done\"") != NULL;
        if (done)
            assert_non_null(strstr(r.body, "\"result\":{\"ap\":0.5}"));
        mem_free(r.all);
    }
    HOLDS(get("/v1/jobs/none"), 404, "no such job");
    HOLDS(post("/v1/models:train", "{\"trees\":5}"), 422, "settings");
    train_may_end = false;
    HOLDS(post("/v1/models:train", "{}"), 202, "running"); /* cancelled by server_stop */
}

static void health_and_metrics_are_told(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", EVENT("a", "900")), 200, "seq");
    HOLDS(get("/nothing"), 404, "404");
    HOLDS(get("/readyz"), 200, "\"status\":\"ready\"", "\"filled_until\":\"2018-04-01T00:00:31Z\"",
          "\"store_lag\":");
    HOLDS(get("/metrics"), 200, "text/plain; version=0.0.4",
          "assay_decisions_total{outcome=\"decline\"} 1\n",
          "assay_http_answers_total{status=\"404\"} 1\n",
          "assay_decision_seconds_count{outcome=\"decline\"} 1\n", "# TYPE assay_log_bytes gauge\n",
          "assay_store_lag ", "assay_queue_capacity 64\n");
}

static void everything_is_there_after_a_restart(void **state)
{
    (void)state;
    HOLDS(post("/v1/decisions", EVENT("a", "900")), 200, "seq");
    stop();
    start();
    HOLDS(get("/v1/decisions"), 200, "\"id\":\"a\"");
    HOLDS(get("/v1/decisions/a"), 200,
          "\"outcome\":\"decline\""); /* by the store: the stand-in forgot */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_decided),
        TEST(every_route_says_who_may),
        TEST(answers_carry_security_headers),
        TEST(a_repeated_event_gets_the_first_answer),
        TEST(an_event_without_an_id_gets_one),
        TEST(a_dry_run_leaves_nothing),
        TEST(bad_events_name_their_fields),
        TEST(hostile_documents_are_refused),
        TEST(heads_are_checked),
        TEST(a_chunked_body_has_a_limit_too),
        TEST(head_is_get_without_a_body),
        TEST(connections_are_kept),
        TEST(trouble_in_the_shard_is_told),
        TEST(a_full_queue_is_told),
        TEST(callers_break_off_while_they_are_held),
        TEST(callers_break_off_while_they_are_asleep),
        TEST(a_request_behind_one_that_waits),
        TEST(a_batch_is_answered_line_by_line),
        TEST(a_large_batch_keeps_its_order),
        TEST(decisions_are_listed),
        TEST(one_decision_is_shown_with_inputs),
        TEST(labels_are_taken),
        TEST(bad_labels_name_their_members),
        TEST(one_training_job_runs_at_a_time),
        TEST(health_and_metrics_are_told),
        TEST(everything_is_there_after_a_restart),
    };

    return RUN(tests);
}
