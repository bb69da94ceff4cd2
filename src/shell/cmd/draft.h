/* A first assay.yaml: what is known of the data, and the text that is made of it.
 *
 * `assay init` fills the draft from a profile of the data; draft_format writes settings that train
 * without an edit, each guess with its reason as a comment. Texts are borrowed.
 */
#ifndef ASSAY_CMD_DRAFT_H
#define ASSAY_CMD_DRAFT_H

#include <stdint.h>

#include "core/base/buffer.h"

enum {
    DRAFT_ENTITIES_MAX = 4, /* each brings about ten features */
    DRAFT_INPUTS_MAX = 40,
    DRAFT_NAME_MAX = 64, /* bytes of a name made from a field's */
};

/* A field with a part to play; field == NULL: there is none. */
struct draft_role {
    const char *field;
    const char *why;
};

struct draft_entity {
    char name[DRAFT_NAME_MAX];
    const char *field;
    const char *why;
    bool is_merchant; /* many pay there: its past share of fraud tells something */
};

struct draft {
    const char *name; /* of the settings */
    const char *file;
    struct draft_role id, time, amount, label;
    const char *label_type; /* to be read as; NULL: as it is found */
    int64_t span_us;        /* from the first event to the last; 0: not known */
    struct draft_entity entity[DRAFT_ENTITIES_MAX];
    uint32_t entity_count;
    struct draft_role input[DRAFT_INPUTS_MAX]; /* fields that are features as they are */
    uint32_t input_count;
    const char *place[2][2]; /* latitude and longitude of the event or its customer; of the other */
    const struct draft_role *left; /* fields that are left out */
    uint32_t left_count;
};

/* "TX_AMOUNT" -> "tx_amount", "First Name" -> "first_name"; never empty. */
void draft_name(const char *field, char out[DRAFT_NAME_MAX]);
/* "CUSTOMER_ID" -> "customer", "cc_num" -> "cc_num". */
void draft_entity_name(const char *field, char out[DRAFT_NAME_MAX]);
/* How long labels take, from the span of the data: 7 days if there are weeks of it, else less. */
int64_t draft_label_delay_us(const struct draft *d);
/* Whether there is something to train. */
bool draft_format(const struct draft *d, struct buffer *out);

#endif
