/* DELETE /v1/subjects/{kind}/{id}: the personal fields of a person are erased from the log. */
#include "shell/run/erase.h"
#include "shell/serve/inside.h"

enum http_next erase_subject(struct server *s, struct exchange *x)
{
    struct plan *plan = shard_plan(s->o.shard);
    const struct plan_subject *subject = plan_subject(plan);
    struct erasure r;
    struct error e;

    if (!subject_erase(shard_plans(s->o.shard), subject != NULL ? subject->name : NULL, x->name,
                       x->parameter, &r, &e))
        problem_answer(x, e.kind == ERROR_INVALID ? 422 : 503, "%s", e.text);
    else if (server_record(s, x, "subject.erased", r.subject, erasure_data(&r))) {
        x->status = 200;
        erasure_json(&r, &x->answer);
    }
    plan_unref(plan);
    return HTTP_ANSWERED;
}
