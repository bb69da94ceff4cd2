/* The three commands of the README, one after another, on transactions that the demo generates, and
 * then live traffic: the demo runs this same program as a user would and shows each command line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/number.h"
#include "core/data/json.h"
#include "core/sample/sample.h"
#include "shell/cmd/cmd.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/run/output.h"

enum {
    DEMO_ROWS = 120000,
    DEMO_DAYS = 90,     /* of history */
    DEMO_LIVE_DAYS = 6, /* after it, played as live traffic; they end about now */
    DEMO_PORT = 8080,
    DEMO_RATE = 20, /* events a second */
    DEMO_RATE_MAX = 10000,
    READY_WAIT_S = 60,
    TOKEN_MAX = 128,
    STEP_WORDS_MAX = 8, /* its name too */
};

#define SERVE_LOG "serve.log" /* in the demo's directory */
#define PORT_KEY  "server.port="

/* What `assay init` cannot know: which days a manager would call risky. */
static const char rollups[] =
    "\n"
    "# The console's page Daily risk. `assay rollup` counts the history by day, `assay serve` its\n"
    "# own decisions; docs/rollups.md.\n"
    "rollups:\n"
    "  daily_risk:\n"
    "    source: transactions\n"
    "    every: day\n"
    "    measures:\n"
    "      tx_count: count()\n"
    "      avg_tx_amount: mean(amount)\n"
    "      risky_tx_count: count() where (amount > 200)\n"
    "    score: 50 * risky_tx_count / tx_count\n"
    "    clamp: [0, 1]\n"
    "    reasons:\n"
    "      MANY_LARGE_PAYMENTS: risky_tx_count >= 0.008 * tx_count\n"
    "      NORMAL: true\n"
    "    levels:\n"
    "      HIGH: {from: 0.8, action: Review large payments first}\n"
    "      MEDIUM: {from: 0.4, action: Watch large payments}\n"
    "      LOW: {action: None}\n"
    "    table: daily_risk\n"
    "  live_risk:\n"
    "    source: decisions\n"
    "    every: day\n"
    "    measures:\n"
    "      tx_count: count()\n"
    "      avg_tx_amount: mean(amount)\n"
    "      risky_tx_count: count() where (score >= 800)\n"
    "    score: 50 * risky_tx_count / tx_count\n"
    "    clamp: [0, 1]\n"
    "    table: live_risk\n";

extern char **environ;

struct demo {
    struct invocation *v;
    const char *directory;
    char program[PATH_MAX];
    char url[64];
    uint16_t port;
    int64_t rate;
    int64_t for_us; /* 0: until Ctrl-C */
    pid_t server;
    struct sampler *sampler;
    struct frame frame;
    uint64_t played, refused, by_score[3]; /* below 300, below 800, from there on */
    int64_t slowest_us, all_us;
};

/* ---- the steps before serving */

static bool is_port(const char *set)
{
    return strncmp(set, PORT_KEY, sizeof PORT_KEY - 1) == 0;
}

/* With the --set of the demo behind it. What is not waited for writes into the demo's log. */
static bool spawn(struct demo *d, const char *const *asked, bool wait, pid_t *pid, struct error *e)
{
    const char *argv[STEP_WORDS_MAX + 2 * OPTIONS_GIVEN_MAX + 1];
    posix_spawn_file_actions_t actions;
    int failed, status;
    uint32_t n = 0;

    for (; asked[n] != NULL && n < STEP_WORDS_MAX; n++)
        argv[n] = asked[n];
    for (uint32_t i = 0; i < d->v->given_count; i++) {
        const struct option_given *g = &d->v->given[i];

        if (strcmp(g->option->name, "set") != 0 || is_port(g->value))
            continue;
        argv[n++] = "--set";
        argv[n++] = g->value;
    }
    argv[n] = NULL;

    printf("\n%s$ assay", term_colour(&d->v->term, COLOUR_BOLD));
    for (const char *const *a = argv + 1; *a != NULL; a++)
        printf(" %s", *a);
    printf("%s\n", term_colour(&d->v->term, COLOUR_NONE));
    fflush(stdout);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, d->directory);
    if (!wait) {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, SERVE_LOG,
                                         O_WRONLY | O_CREAT | O_TRUNC, 0644);
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    }
    failed = posix_spawn(pid, d->program, &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return error_set(e, ERROR_WORLD, "cannot run %s: %s", d->program, strerror(failed));
    if (!wait)
        return true;
    while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (is_interrupted())
        return error_set(e, ERROR_CANCELLED, "stopped");
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           error_set(e, ERROR_WORLD, "assay %s failed", argv[1]);
}

static bool run_step(struct demo *d, struct error *e, const char *const *argv)
{
    pid_t pid;

    return spawn(d, argv, true, &pid, e);
}

static bool write_history(struct demo *d, struct error *e)
{
    const struct schema *schema = sampler_schema(d->sampler);
    const char *name[SCHEMA_FIELDS_MAX];
    char path[PATH_MAX];
    struct output *o;
    uint64_t left = DEMO_ROWS * DEMO_DAYS / (DEMO_DAYS + DEMO_LIVE_DAYS);

    for (uint32_t i = 0; i < schema->count; i++)
        name[i] = schema->fields[i].name;
    snprintf(path, sizeof path, "%s/transactions.csv", d->directory);
    if (!output_open(path, name, schema->count, &o, e))
        return false;
    while (left > 0) {
        d->frame.capacity = left < SAMPLE_FRAME_ROWS ? (uint32_t)left : SAMPLE_FRAME_ROWS;
        left -= sampler_next(d->sampler, &d->frame);
        for (uint32_t i = 0; i < d->frame.rows; i++) {
            for (uint32_t k = 0; k < d->frame.columns; k++) {
                struct value cell = column_get(&d->frame.column[k], i);

                output_value(o, &cell);
            }
        }
        frame_clear(&d->frame);
        if (!output_flush(o, e)) {
            output_abandon(o);
            return false;
        }
    }
    d->frame.capacity = SAMPLE_FRAME_ROWS;
    return output_finish(o, e);
}

/* History ends DEMO_LIVE_DAYS before the coming midnight, so that what is played live is of these
 * days. */
static bool open_sampler(struct demo *d, struct error *e)
{
    int64_t today = clock_now_us() / US_PER_DAY * US_PER_DAY;
    struct sample_options o = {.scenario = SAMPLE_CARDS,
                               .rows = DEMO_ROWS,
                               .days = DEMO_DAYS + DEMO_LIVE_DAYS,
                               .seed = 7,
                               .start_us = today - (DEMO_DAYS + DEMO_LIVE_DAYS - 1) * US_PER_DAY};

    d->sampler = sampler_new(&o);
    frame_init(&d->frame, sampler_schema(d->sampler), SAMPLE_FRAME_ROWS, 64 << 20);
    return file_make_directories(d->directory, 0755, e) && write_history(d, e);
}

/* ---- the server */

/* Where --set or the environment says it; false: neither does. */
static bool said_port(const struct demo *d, int64_t *port, struct error *e)
{
    const char *said = getenv("ASSAY_SERVER_PORT");

    *port = 0;
    for (uint32_t i = 0; i < d->v->given_count; i++) {
        const struct option_given *g = &d->v->given[i];

        if (strcmp(g->option->name, "set") == 0 && is_port(g->value))
            said = g->value + sizeof PORT_KEY - 1;
    }
    return said == NULL ||
           (number_parse_int(text_of(said), port) && *port > 0 && *port <= UINT16_MAX) ||
           error_set(e, ERROR_USAGE, "server.port: expected 1 to 65535, found \"%s\"", said);
}

/* The usual port, or another that is free. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(DEMO_PORT);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        at.sin_port = 0;
        if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
            getsockname(fd, (struct sockaddr *)&at, &length);
    }
    close(fd);
    return ntohs(at.sin_port);
}

static bool start_server(struct demo *d, struct error *e)
{
    char port[64];
    const char *argv[] = {"assay", "serve", "--log", "text", "--set", port, NULL};
    int64_t said;

    if (!said_port(d, &said, e))
        return false;
    d->port = said > 0 ? (uint16_t)said : free_port();
    snprintf(port, sizeof port, "server.port=%u", d->port);
    snprintf(d->url, sizeof d->url, "http://127.0.0.1:%u", d->port);
    return spawn(d, argv, false, &d->server, e);
}

static void stop_server(struct demo *d)
{
    int status;

    if (d->server <= 0)
        return;
    kill(d->server, SIGTERM);
    while (waitpid(d->server, &status, 0) < 0 && errno == EINTR)
        continue;
    d->server = 0;
}

static bool wait_ready(struct demo *d, struct http_client *c, struct buffer *answer,
                       struct error *e)
{
    int64_t until = clock_monotonic_us() + READY_WAIT_S * US_PER_SECOND;
    int status = 0;

    while (clock_monotonic_us() < until && !is_interrupted()) {
        int ended;

        if (waitpid(d->server, &ended, WNOHANG) == d->server) {
            d->server = 0;
            return error_set(e, ERROR_WORLD, "assay serve ended: its words are in %s/" SERVE_LOG,
                             d->directory);
        }
        if (http_client_ask(c, "/readyz", "", (struct text){0}, answer, &status, e) &&
            status == 200)
            return true;
        clock_sleep_us(50000);
    }
    return error_set(e, is_interrupted() ? ERROR_CANCELLED : ERROR_WORLD,
                     "assay serve was not ready after %d s", READY_WAIT_S);
}

/* ---- live traffic */

/* What a caller would send: everything but the outcome, which nobody knows yet. */
static void event_json(struct demo *d, uint32_t row, struct buffer *out)
{
    const struct schema *s = sampler_schema(d->sampler);
    bool is_first = true;

    buffer_clear(out);
    buffer_add_char(out, '{');
    for (uint32_t k = 0; k < s->count; k++) {
        struct value cell = column_get(&d->frame.column[k], row);

        if ((int)k == s->label)
            continue;
        if (!is_first)
            buffer_add_char(out, ',');
        is_first = false;
        json_add_text(out, text_of(s->fields[k].name));
        buffer_add_char(out, ':');
        json_add_value(out, &cell);
    }
    buffer_add_char(out, '}');
}

static void note_answer(struct demo *d, struct buffer *answer, int status, int64_t took_us)
{
    const char *score = strstr(buffer_text(answer), "\"score\":");
    long value = score != NULL ? strtol(score + 8, NULL, 10) : -1;

    d->played++;
    d->all_us += took_us;
    d->slowest_us = took_us > d->slowest_us ? took_us : d->slowest_us;
    if (status != 200 || value < 0)
        d->refused++;
    else
        d->by_score[value >= 800 ? 2 : value >= 300 ? 1 : 0]++;
}

static void show_traffic(struct demo *d, bool last)
{
    if (!d->v->term.has_progress && !last)
        return;
    fprintf(last ? stdout : stderr,
            "%s%lu decisions: %lu below 300, %lu to review, %lu from 800 on%s; mean %.2f ms, "
            "slowest %.2f ms%s",
            last ? "\n" : "\r", (unsigned long)d->played, (unsigned long)d->by_score[0],
            (unsigned long)d->by_score[1], (unsigned long)d->by_score[2],
            d->refused > 0 ? ", some refused" : "",
            d->played > 0 ? (double)d->all_us / (double)d->played / 1000 : 0,
            (double)d->slowest_us / 1000, last ? "\n" : "  ");
    fflush(last ? stdout : stderr);
}

static bool play_one(struct demo *d, struct http_client *c, struct buffer *event,
                     struct buffer *answer, uint32_t row, struct error *e)
{
    int64_t start = clock_monotonic_us();
    int status;

    event_json(d, row, event);
    if (!http_client_ask(c, "/v1/decisions", "application/json",
                         (struct text){event->bytes, event->length}, answer, &status, e))
        return false;
    note_answer(d, answer, status, clock_monotonic_us() - start);
    return true;
}

static bool is_over(const struct demo *d, int64_t start_us)
{
    return is_interrupted() || (d->for_us > 0 && clock_monotonic_us() - start_us >= d->for_us);
}

static bool play(struct demo *d, struct http_client *c, struct buffer *event, struct buffer *answer,
                 struct error *e)
{
    int64_t start = clock_monotonic_us(), shown = start;

    while (!is_over(d, start)) {
        int64_t due, now;

        if (sampler_next(d->sampler, &d->frame) == 0) {
            clock_sleep_us(100000); /* all is played: the server goes on */
            continue;
        }
        for (uint32_t i = 0; i < d->frame.rows && !is_over(d, start); i++) {
            if (!play_one(d, c, event, answer, i, e))
                return false;
            due = start + (int64_t)d->played * US_PER_SECOND / d->rate;
            now = clock_monotonic_us();
            if (now - shown > 200000) {
                show_traffic(d, false);
                shown = now;
            }
            if (due > now)
                clock_sleep_us(due - now);
        }
        frame_clear(&d->frame);
    }
    return true;
}

/* "#token=...", with which a browser is signed in; "" where the server makes none. */
static void ask_token(struct http_client *c, struct buffer *answer, char fragment[TOKEN_MAX])
{
    static const char member[] = "\"token\":\"";
    struct error ignored;
    const char *at;
    int status;

    fragment[0] = 0;
    if (!http_client_ask(c, "/v1/session:link", "application/json", text_of("{}"), answer, &status,
                         &ignored) ||
        status != 201 || (at = strstr(buffer_text(answer), member)) == NULL)
        return;
    at += sizeof member - 1;
    snprintf(fragment, TOKEN_MAX, "#token=%.*s", (int)strcspn(at, "\""), at);
}

static void say_where(const struct demo *d, const char *fragment)
{
    printf("\n%slive traffic is playing%s into %s (Ctrl-C ends it)\n"
           "  console     %s/%s\n"
           "  riskiest    curl '%s/v1/decisions?sort=-score&limit=5'\n"
           "  metrics     curl %s/metrics\n"
           "  report      %s/assay-data/report.html\n"
           "  settings    %s/assay.yaml\n"
           "  log         %s/" SERVE_LOG "\n"
           "  then        cd %s && %s log verify && %s replay\n\n",
           term_colour(&d->v->term, COLOUR_BOLD), term_colour(&d->v->term, COLOUR_NONE), d->url,
           d->url, fragment, d->url, d->url, d->directory, d->directory, d->directory, d->directory,
           d->program, d->program);
    fflush(stdout);
}

static bool serve_and_play(struct demo *d, struct error *e)
{
    struct http_client *c;
    struct buffer event, answer;
    char fragment[TOKEN_MAX];
    bool ok = start_server(d, e);

    c = http_client_new(d->url);
    buffer_init(&event, 64 << 10);
    buffer_init(&answer, HTTP_ANSWER_MAX);
    ok = ok && wait_ready(d, c, &answer, e);
    if (ok) {
        ask_token(c, &answer, fragment);
        say_where(d, fragment);
        ok = play(d, c, &event, &answer, e);
        show_traffic(d, true);
    }
    buffer_fini(&event);
    buffer_fini(&answer);
    http_client_free(c);
    stop_server(d);
    return ok;
}

static bool add_rollups(struct demo *d, struct error *e)
{
    char path[PATH_MAX];
    FILE *f;
    bool ok;

    snprintf(path, sizeof path, "%s/assay.yaml", d->directory);
    f = fopen(path, "a");
    ok = f != NULL && fputs(rollups, f) >= 0;
    ok = (f == NULL || fclose(f) == 0) && ok;
    return ok || error_set(e, ERROR_WORLD, "cannot write %s: %s", path, strerror(errno));
}

static bool find_program(char path[PATH_MAX], struct error *e)
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (length <= 0)
        return error_set(e, ERROR_WORLD, "cannot find this program: %s", strerror(errno));
    path[length] = 0;
    return true;
}

static bool clear_before(const char *directory, struct error *e)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/assay-data", directory);
    if (!file_exists(path))
        return true;
    return error_set(
        e, ERROR_INVALID,
        "%s holds the data of an earlier demo; hint: rm -r %s, or name another place with "
        "--directory",
        directory, directory);
}

static bool demo_run(struct invocation *v, struct error *e)
{
    struct demo d = {.v = v, .directory = option_get(v, "directory"), .rate = DEMO_RATE};
    const char *duration = option_get(v, "for");
    const char *init[] = {"assay", "init", "transactions.csv", "--force", NULL};
    const char *train[] = {"assay", "train", "--force", NULL}; /* whatever was generated */
    const char *rollup[] = {"assay", "rollup", "daily_risk", NULL};
    int64_t port;
    bool ok;

    if (d.directory == NULL)
        d.directory = "assay-demo";
    if (duration != NULL && !duration_parse(text_of(duration), &d.for_us))
        return error_set(e, ERROR_USAGE, "--for: expected a duration such as 20s, found \"%s\"",
                         duration);
    if (!option_whole(v, "rate", 1, DEMO_RATE_MAX, &d.rate, e) || !said_port(&d, &port, e) ||
        !find_program(d.program, e) || !clear_before(d.directory, e))
        return false;
    printf("%d card transactions of %d days, generated into %s/transactions.csv\n",
           DEMO_ROWS * DEMO_DAYS / (DEMO_DAYS + DEMO_LIVE_DAYS), DEMO_DAYS, d.directory);
    ok = open_sampler(&d, e) && run_step(&d, e, init) && add_rollups(&d, e) &&
         run_step(&d, e, train) && run_step(&d, e, rollup) && serve_and_play(&d, e);
    frame_fini(&d.frame);
    sampler_free(d.sampler);
    return ok;
}

static const struct option options[] = {
    {"directory", 0, "DIR", "where the demo lives (default ./assay-demo)"},
    {"for", 0, "DURATION", "end by itself after this much live traffic, such as 20s"},
    {"rate", 0, "N", "events a second (default 20)"},
    {0},
};

const struct command command_demo = {
    .name = "demo",
    .group = GROUP_START,
    .summary = "generates transactions, trains on them, serves, and plays live traffic",
    .arguments = "",
    .words = "--set goes to each of its steps; the service's log is serve.log in its directory.",
    .options = options,
    .examples = "  assay demo\n"
                "  assay demo --set server.port=9090\n"
                "  assay demo --for 20s --directory /tmp/demo\n",
    .run = demo_run,
};
