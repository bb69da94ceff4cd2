#include "shell/train/riskiest.h"

#include "core/data/json.h"

/* Places among the test rows, by insertion: the list is short. */
static uint32_t choose(const struct test_rows *test, const double *probability,
                       uint32_t place[RISKIEST])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < test->rows; i++) {
        double p = probability[test->row[i]];
        uint32_t at = count < RISKIEST ? count : RISKIEST;

        while (at > 0 && probability[test->row[place[at - 1]]] < p) {
            if (at < RISKIEST)
                place[at] = place[at - 1];
            at--;
        }
        if (at < RISKIEST)
            place[at] = i;
        count += count < RISKIEST;
    }
    return count;
}

static void add_id(const struct table *t, const struct test_rows *test, uint32_t place,
                   struct buffer *out)
{
    if (t->ids > place) {
        struct value id = column_get(&t->id, place);

        json_add_value(out, &id);
    } else {
        json_add_int(out, (int64_t)t->event[test->row[place]] + 1);
    }
}

void riskiest_json(const struct test_rows *test, const struct table *t, const double *probability,
                   struct buffer *out)
{
    uint32_t place[RISKIEST], count = choose(test, probability, place);

    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        buffer_add_text(out, i > 0 ? ",{\"id\":" : "{\"id\":");
        add_id(t, test, place[i], out);
        buffer_add_text(out, ",\"probability\":");
        json_add_real(out, probability[test->row[place[i]]]);
        buffer_add_text(out, ",\"fraud\":");
        buffer_add_text(out, test->label[place[i]] == 1 ? "true}" : "false}");
    }
    buffer_add_char(out, ']');
}
