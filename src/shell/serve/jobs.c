#include "shell/serve/jobs.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/run/event_id.h"
#include "shell/serve/inside.h"

enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };

enum {
    STAGE_MAX = 64,
    WAIT_STEP_US = 2000,
    RELOAD_WAIT_US = 2000000,
    TRAIN_WAIT_US = 60000000,
    BACKTEST_WAIT_US = 5000000,
    VERIFY_WAIT_US = 2000000,
};

struct job {
    char id[JOB_ID_BYTES]; /* "": the place is free */
    enum job_kind kind;
    enum job_state state;
    char stage[STAGE_MAX];
    double done_share;
    int64_t stage_us; /* monotonic: when the stage began */
    double stage_share;
    int64_t started_us, ended_us;
    struct buffer result;
    struct error error;
};

/* Of one kind. */
struct lane {
    struct jobs *jobs;
    struct server_work work;
    struct job *running;
    bool has_thread;
    pthread_t thread;
    struct server_request request; /* of the running job; its body is `body`'s */
    struct buffer body;
};

struct jobs {
    pthread_mutex_t lock; /* of all below */
    struct lane lane[JOB_KINDS];
    struct job job[JOBS_KEPT];
    unsigned next; /* the place of the next job: the oldest is forgotten */
    uint64_t ended[JOB_KINDS][JOB_ENDS];
    atomic_bool is_cancelled;
};

static const char *const kinds[JOB_KINDS] = {"train", "reload", "backtest", "verify"};

const char *job_kind_name(enum job_kind k)
{
    return kinds[k];
}

const char *job_end_name(enum job_end e)
{
    static const char *const words[JOB_ENDS] = {"done", "failed", "cancelled"};

    return words[e];
}

void jobs_count(struct jobs *j, uint64_t ended[JOB_KINDS][JOB_ENDS])
{
    pthread_mutex_lock(&j->lock);
    memcpy(ended, j->ended, sizeof j->ended);
    pthread_mutex_unlock(&j->lock);
}

static enum job_end end_of(const struct job *job)
{
    return job->state == JOB_DONE     ? JOB_ENDED_DONE
           : job->state == JOB_FAILED ? JOB_ENDED_FAILED
                                      : JOB_ENDED_CANCELLED;
}

struct jobs *jobs_new(const struct server_work work[JOB_KINDS])
{
    struct jobs *j = mem_alloc(sizeof *j);

    pthread_mutex_init(&j->lock, NULL);
    for (unsigned i = 0; i < JOB_KINDS; i++) {
        j->lane[i].jobs = j;
        j->lane[i].work = work[i];
        buffer_init(&j->lane[i].body, JOB_BODY_MAX);
    }
    for (unsigned i = 0; i < JOBS_KEPT; i++)
        buffer_init(&j->job[i].result, JOB_RESULT_MAX);
    return j;
}

void jobs_cancel(struct jobs *j)
{
    atomic_store(&j->is_cancelled, true);
}

void jobs_free(struct jobs *j)
{
    jobs_cancel(j);
    for (unsigned i = 0; i < JOB_KINDS; i++) {
        if (j->lane[i].has_thread)
            pthread_join(j->lane[i].thread, NULL);
        buffer_fini(&j->lane[i].body);
    }
    for (unsigned i = 0; i < JOBS_KEPT; i++)
        buffer_fini(&j->job[i].result);
    pthread_mutex_destroy(&j->lock);
    mem_free(j);
}

static bool job_report(void *context, const char *stage, double done_share)
{
    struct lane *l = context;
    struct job *job;

    pthread_mutex_lock(&l->jobs->lock);
    job = l->running;
    if (strncmp(job->stage, stage, STAGE_MAX - 1) != 0) {
        snprintf(job->stage, sizeof job->stage, "%s", stage);
        job->stage_us = clock_monotonic_us();
        job->stage_share = done_share;
    }
    job->done_share = done_share;
    pthread_mutex_unlock(&l->jobs->lock);
    return !atomic_load(&l->jobs->is_cancelled);
}

static void *job_main(void *context)
{
    struct lane *l = context;
    struct progress progress = {job_report, l};
    struct buffer result;
    struct error e = {0};
    bool ok;

    thread_name("assay-job");
    buffer_init(&result, JOB_RESULT_MAX);
    ok = l->work.run(l->work.context, &l->request, &progress, &result, &e);
    pthread_mutex_lock(&l->jobs->lock);
    buffer_fini(&l->running->result);
    l->running->result = result;
    l->running->error = e;
    l->running->ended_us = clock_now_us();
    l->running->state = ok ? JOB_DONE : e.kind == ERROR_CANCELLED ? JOB_CANCELLED : JOB_FAILED;
    l->jobs->ended[l->running->kind][end_of(l->running)]++;
    l->running = NULL;
    pthread_mutex_unlock(&l->jobs->lock);
    return NULL;
}

/* A place whose job has ended, the oldest; there are more places than kinds. */
static struct job *next_place(struct jobs *j)
{
    struct job *job;

    do {
        job = &j->job[j->next];
        j->next = (j->next + 1) % JOBS_KEPT;
    } while (job->id[0] != 0 && job->state == JOB_RUNNING);
    return job;
}

static bool job_begin(struct jobs *j, enum job_kind kind, const struct server_request *request,
                      char id[JOB_ID_BYTES], struct error *e)
{
    struct lane *l = &j->lane[kind];
    struct job *job = next_place(j);

    if (l->has_thread)
        pthread_join(l->thread, NULL); /* it has ended: nothing is running */
    l->has_thread = false;
    buffer_fini(&job->result);
    *job = (struct job){
        .kind = kind, .state = JOB_RUNNING, .started_us = clock_now_us(), .result = job->result};
    event_id_new(job->started_us, job->id);
    memcpy(id, job->id, JOB_ID_BYTES);
    l->running = job;
    buffer_clear(&l->body);
    l->request = (struct server_request){0};
    if (request != NULL) {
        l->request = *request;
        buffer_add_slice(&l->body, request->body);
        l->request.body = (struct text){l->body.bytes, l->body.length};
    }
    if (pthread_create(&l->thread, NULL, job_main, l) != 0) {
        l->running = NULL;
        job->id[0] = 0;
        return error_set(e, ERROR_WORLD, "cannot start a thread");
    }
    l->has_thread = true;
    return true;
}

bool jobs_start(struct jobs *j, enum job_kind kind, const struct server_request *request,
                char id[JOB_ID_BYTES], struct error *e)
{
    const struct lane *l = &j->lane[kind];
    bool ok = false;

    id[0] = 0;
    pthread_mutex_lock(&j->lock);
    if (l->work.run == NULL || atomic_load(&j->is_cancelled)) {
        error_set(e, ERROR_WORLD, "this server does not %s", kinds[kind]);
    } else if (l->running != NULL) {
        memcpy(id, l->running->id, JOB_ID_BYTES);
        error_set(e, ERROR_CONFLICT, "a job is running: /v1/jobs/%s", id);
    } else {
        ok = job_begin(j, kind, request, id, e);
    }
    pthread_mutex_unlock(&j->lock);
    return ok;
}

static struct job *find(struct jobs *j, struct text id)
{
    for (unsigned i = 0; i < JOBS_KEPT; i++) {
        if (j->job[i].id[0] != 0 && text_is(id, j->job[i].id))
            return &j->job[i];
    }
    return NULL;
}

static bool has_ended(struct jobs *j, const char *id, struct error *e)
{
    const struct job *job;
    bool ended;

    pthread_mutex_lock(&j->lock);
    job = find(j, text_of(id));
    ended = job == NULL || job->state != JOB_RUNNING;
    *e = job != NULL && job->state > JOB_DONE ? job->error : (struct error){0};
    pthread_mutex_unlock(&j->lock);
    return ended;
}

bool jobs_wait(struct jobs *j, const char *id, int64_t most_us, struct error *e)
{
    int64_t until_us = clock_monotonic_us() + most_us;

    while (!has_ended(j, id, e)) {
        if (clock_monotonic_us() > until_us)
            return false;
        clock_sleep_us(WAIT_STEP_US);
    }
    return true;
}

static void add_time(struct buffer *out, const char *key, int64_t us)
{
    char time[TIME_TEXT_MAX];

    time_format(us, time);
    buffer_format(out, ",\"%s\":\"%s\"", key, time);
}

/* As the stage went so far, once that says something. */
static void add_time_left(struct buffer *out, const struct job *job)
{
    double gone_s = (double)(clock_monotonic_us() - job->stage_us) / 1e6;
    double done = job->done_share - job->stage_share;

    if (job->state != JOB_RUNNING || done < 0.01 || job->done_share > 1)
        return;
    buffer_add_text(out, ",\"seconds_left\":");
    json_add_real(out, (double)(int64_t)(gone_s * (1 - job->done_share) / done * 10) / 10);
}

static void job_format(const struct job *job, struct buffer *out)
{
    static const char *const states[] = {"running", "done", "failed", "cancelled"};

    buffer_format(out, "{\"id\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\"", job->id, kinds[job->kind],
                  states[job->state]);
    add_time(out, "started", job->started_us);
    if (job->state != JOB_RUNNING)
        add_time(out, "ended", job->ended_us);
    if (job->stage[0] != 0) {
        buffer_add_text(out, ",\"stage\":");
        json_add_text(out, text_of(job->stage));
        buffer_add_text(out, ",\"progress\":");
        json_add_real(out, job->state == JOB_DONE ? 1.0 : job->done_share);
        add_time_left(out, job);
    }
    if (job->state == JOB_DONE && job->result.length > 0) {
        buffer_add_text(out, ",\"result\":");
        buffer_add(out, job->result.bytes, job->result.length);
    }
    if (job->state == JOB_FAILED) {
        buffer_add_text(out, ",\"error\":");
        json_add_text(out, text_of(job->error.text));
    }
    buffer_add_text(out, "}\n");
}

bool jobs_format(struct jobs *j, struct text id, struct buffer *out)
{
    const struct job *job;

    pthread_mutex_lock(&j->lock);
    job = find(j, id);
    if (job != NULL)
        job_format(job, out);
    pthread_mutex_unlock(&j->lock);
    return job != NULL;
}

/* ---- routes ---- */

bool body_is_empty_object(struct server *s, struct exchange *x, const char *words)
{
    struct text body = exchange_body(x);
    struct error e;
    struct json_document *d = json_parse(seat_get(s)->json, body.bytes, body.length, &e);
    bool ok = d != NULL && d->root.kind == JSON_OBJECT && d->root.count == 0;

    if (d == NULL)
        problem_answer(x, 400, "%s", e.text);
    else if (!ok)
        problem_answer(x, 422, "expected {}: %s", words);
    json_free(d);
    return ok;
}

static bool start(struct server *s, struct exchange *x, enum job_kind kind,
                  const struct server_request *request, char id[JOB_ID_BYTES])
{
    struct error e;

    if (jobs_start(s->jobs, kind, request, id, &e))
        return true;
    problem_answer(x, e.kind == ERROR_CONFLICT ? 409 : 503, "%s", e.text);
    return false;
}

/* The job where it has ended within `most_us`, else its id. */
static enum http_next answer_job(struct server *s, struct exchange *x, const char *id,
                                 int64_t most_us, bool is_wanted)
{
    struct error e;
    bool ended = is_wanted && jobs_wait(s->jobs, id, most_us, &e);

    if (ended && e.kind != ERROR_NONE) {
        problem_answer(x, e.kind == ERROR_INVALID || e.kind == ERROR_NOT_FOUND ? 422 : 503, "%s",
                       e.text);
        return HTTP_ANSWERED;
    }
    x->status = ended ? 200 : 202;
    if (!jobs_format(s->jobs, text_of(id), &x->answer))
        problem_answer(x, 404, "no such job; the newest %d are remembered", JOBS_KEPT);
    return HTTP_ANSWERED;
}

enum http_next train_model(struct server *s, struct exchange *x)
{
    struct server_request request = {0};
    char id[JOB_ID_BYTES];
    bool waits;

    if (!query_bool(x, "force", &request.is_forced) ||
        !query_bool(x, "reload", &request.is_enforced) || !query_bool(x, "wait", &waits) ||
        !body_is_empty_object(s, x, "the settings file says how to train") ||
        !server_record(s, x, "model.train_asked", "model",
                       request.is_enforced ? "{\"reload\":true}" : "") ||
        !start(s, x, JOB_TRAIN, &request, id))
        return HTTP_ANSWERED;
    return answer_job(s, x, id, TRAIN_WAIT_US, waits);
}

enum http_next backtest_rules(struct server *s, struct exchange *x)
{
    return backtest_of(s, x, exchange_body(x));
}

enum http_next backtest_of(struct server *s, struct exchange *x, struct text body)
{
    struct server_request request = {.body = body};
    char id[JOB_ID_BYTES];

    if (request.body.length > JOB_BODY_MAX) {
        problem_answer(x, 413, "the body is over %d bytes", JOB_BODY_MAX);
        return HTTP_ANSWERED;
    }
    if (!start(s, x, JOB_BACKTEST, &request, id))
        return HTTP_ANSWERED;
    return answer_job(s, x, id, BACKTEST_WAIT_US, true);
}

enum http_next verify_audit(struct server *s, struct exchange *x)
{
    char id[JOB_ID_BYTES];

    if (!body_is_empty_object(s, x, "both logs are verified whole") ||
        !start(s, x, JOB_VERIFY, NULL, id))
        return HTTP_ANSWERED;
    return answer_job(s, x, id, VERIFY_WAIT_US, true);
}

/* Most reloads are done at once, and wrong settings are known at once: those are answered. Only
 * what has to be built from a long log goes on as a job. */
enum http_next reload_settings(struct server *s, struct exchange *x)
{
    char id[JOB_ID_BYTES];
    struct error e;
    bool ended;

    if (!body_is_empty_object(s, x, "what is loaded is the settings file") ||
        !server_record(s, x, "settings.reload_asked", "settings", "") ||
        !start(s, x, JOB_RELOAD, NULL, id))
        return HTTP_ANSWERED;
    ended = jobs_wait(s->jobs, id, RELOAD_WAIT_US, &e);
    if (ended && e.kind != ERROR_NONE) {
        problem_answer(x, e.kind == ERROR_INVALID || e.kind == ERROR_NOT_FOUND ? 422 : 503,
                       "%s; the plan that was in force is", e.text);
        return HTTP_ANSWERED;
    }
    x->status = ended ? 200 : 202;
    if (!jobs_format(s->jobs, text_of(id), &x->answer))
        problem_answer(x, 404, "no such job; the newest %d are remembered", JOBS_KEPT);
    return HTTP_ANSWERED;
}

bool rule_job(struct server *s, struct exchange *x, struct text change, bool *has_ended)
{
    struct server_request request = {.body = change};
    char id[JOB_ID_BYTES];
    struct error e;

    if (!start(s, x, JOB_RELOAD, &request, id))
        return false;
    *has_ended = jobs_wait(s->jobs, id, RELOAD_WAIT_US, &e);
    if (*has_ended && e.kind != ERROR_NONE) {
        problem_answer(x, error_http_status(&e), "%s", e.text);
        return false;
    }
    if (*has_ended)
        return true;
    x->status = 202;
    if (!jobs_format(s->jobs, text_of(id), &x->answer))
        problem_answer(x, 404, "no such job; the newest %d are remembered", JOBS_KEPT);
    return true;
}

enum http_next show_job(struct server *s, struct exchange *x)
{
    x->status = 200;
    if (!jobs_format(s->jobs, x->parameter, &x->answer))
        problem_answer(x, 404, "no such job; the newest %d are remembered", JOBS_KEPT);
    return HTTP_ANSWERED;
}
