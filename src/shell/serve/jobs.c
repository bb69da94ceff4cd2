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

enum { STAGE_MAX = 64 };

struct job {
    char id[JOB_ID_BYTES]; /* "": the place is free */
    enum job_state state;
    char stage[STAGE_MAX];
    double done_share;
    int64_t started_us, ended_us;
    struct buffer result;
    struct error error;
};

struct jobs {
    struct server_train train;
    pthread_mutex_t lock; /* of all below */
    struct job job[JOBS_KEPT];
    unsigned next; /* the place of the next job: the oldest is forgotten */
    struct job *running;
    bool has_thread;
    pthread_t thread;
    atomic_bool is_cancelled;
};

struct jobs *jobs_new(const struct server_train *train)
{
    struct jobs *j = mem_alloc(sizeof *j);

    j->train = *train;
    pthread_mutex_init(&j->lock, NULL);
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
    if (j->has_thread)
        pthread_join(j->thread, NULL);
    for (unsigned i = 0; i < JOBS_KEPT; i++)
        buffer_fini(&j->job[i].result);
    pthread_mutex_destroy(&j->lock);
    mem_free(j);
}

static bool job_report(void *context, const char *stage, double done_share)
{
    struct jobs *j = context;

    pthread_mutex_lock(&j->lock);
    snprintf(j->running->stage, sizeof j->running->stage, "%s", stage);
    j->running->done_share = done_share;
    pthread_mutex_unlock(&j->lock);
    return !atomic_load(&j->is_cancelled);
}

static void *job_main(void *context)
{
    struct jobs *j = context;
    struct progress progress = {job_report, j};
    struct buffer result;
    struct error e = {0};
    bool ok;

    buffer_init(&result, JOB_RESULT_MAX);
    ok = j->train.run(j->train.context, &progress, &result, &e);
    pthread_mutex_lock(&j->lock);
    buffer_fini(&j->running->result);
    j->running->result = result;
    j->running->error = e;
    j->running->ended_us = clock_now_us();
    j->running->state = ok ? JOB_DONE : e.kind == ERROR_CANCELLED ? JOB_CANCELLED : JOB_FAILED;
    j->running = NULL;
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static bool job_begin(struct jobs *j, struct error *e)
{
    struct job *job = &j->job[j->next];

    if (j->has_thread)
        pthread_join(j->thread, NULL); /* it has ended: nothing is running */
    j->has_thread = false;
    buffer_fini(&job->result);
    *job = (struct job){.state = JOB_RUNNING, .started_us = clock_now_us(), .result = job->result};
    event_id_new(job->started_us, job->id);
    j->running = job;
    if (pthread_create(&j->thread, NULL, job_main, j) != 0) {
        j->running = NULL;
        job->id[0] = 0;
        return error_set(e, ERROR_WORLD, "cannot start a thread");
    }
    j->has_thread = true;
    j->next = (j->next + 1) % JOBS_KEPT;
    return true;
}

bool jobs_start(struct jobs *j, char id[JOB_ID_BYTES], struct error *e)
{
    struct job *job;
    bool ok = false;

    pthread_mutex_lock(&j->lock);
    job = j->running != NULL ? j->running : &j->job[j->next];
    if (j->train.run == NULL || atomic_load(&j->is_cancelled))
        error_set(e, ERROR_WORLD, "this server does not train");
    else if (j->running != NULL)
        error_set(e, ERROR_CONFLICT, "a job is running: /v1/jobs/%s", job->id);
    else
        ok = job_begin(j, e);
    memcpy(id, job->id, JOB_ID_BYTES);
    pthread_mutex_unlock(&j->lock);
    return ok;
}

static void add_time(struct buffer *out, const char *key, int64_t us)
{
    char time[TIME_TEXT_MAX];

    time_format(us, time);
    buffer_format(out, ",\"%s\":\"%s\"", key, time);
}

static void job_format(const struct job *job, struct buffer *out)
{
    static const char *const states[] = {"running", "done", "failed", "cancelled"};

    buffer_format(out, "{\"id\":\"%s\",\"kind\":\"train\",\"state\":\"%s\"", job->id,
                  states[job->state]);
    add_time(out, "started", job->started_us);
    if (job->state != JOB_RUNNING)
        add_time(out, "ended", job->ended_us);
    if (job->stage[0] != 0) {
        buffer_add_text(out, ",\"stage\":");
        json_add_text(out, text_of(job->stage));
        buffer_add_text(out, ",\"progress\":");
        json_add_real(out, job->state == JOB_DONE ? 1.0 : job->done_share);
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
    bool found = false;

    pthread_mutex_lock(&j->lock);
    for (unsigned i = 0; i < JOBS_KEPT && !found; i++) {
        found = j->job[i].id[0] != 0 && text_is(id, j->job[i].id);
        if (found)
            job_format(&j->job[i], out);
    }
    pthread_mutex_unlock(&j->lock);
    return found;
}

/* ---- routes ---- */

static bool body_is_empty_object(struct server *s, struct exchange *x)
{
    struct text body = exchange_body(x);
    struct error e;
    struct json_document *d = json_parse(seat_get(s)->json, body.bytes, body.length, &e);
    bool ok = d != NULL && d->root.kind == JSON_OBJECT && d->root.count == 0;

    if (d == NULL)
        problem_answer(x, 400, "%s", e.text);
    else if (!ok)
        problem_answer(x, 422, "expected {}: the settings file says how to train");
    json_free(d);
    return ok;
}

enum http_next train_model(struct server *s, struct exchange *x)
{
    char id[JOB_ID_BYTES];
    struct error e;

    if (!body_is_empty_object(s, x))
        return HTTP_ANSWERED;
    if (!jobs_start(s->jobs, id, &e)) {
        problem_answer(x, e.kind == ERROR_CONFLICT ? 409 : 503, "%s", e.text);
        return HTTP_ANSWERED;
    }
    x->status = 202;
    buffer_format(&x->answer, "{\"id\":\"%s\",\"kind\":\"train\",\"state\":\"running\"}\n", id);
    return HTTP_ANSWERED;
}

enum http_next show_job(struct server *s, struct exchange *x)
{
    x->status = 200;
    if (!jobs_format(s->jobs, x->parameter, &x->answer))
        problem_answer(x, 404, "no such job; the newest %d are remembered", JOBS_KEPT);
    return HTTP_ANSWERED;
}
