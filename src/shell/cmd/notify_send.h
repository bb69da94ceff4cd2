/* `assay notify send`: rows of a file to a target, each once. */
#ifndef ASSAY_CMD_NOTIFY_SEND_H
#define ASSAY_CMD_NOTIFY_SEND_H

#include "shell/cmd/cmd.h"
#include "shell/watch/notify_sender.h"
#include "shell/watch/notify_state.h"

struct notify_sending {
    struct invocation *v;
    const struct settings *settings;
    const struct notify_setting *setting;
    struct notify_state state;
    struct notify_sender *sender;
    int64_t until_us; /* monotonic: so long a target that is away is waited for */
    uint64_t sent, dead;
};

/* With waits between tries, until the target has it or it is a dead letter (told by *is_dead).
 * ERROR_WORLD: the target is away. */
bool notify_push(struct notify_sending *s, const struct notify_event *ev, bool *is_dead,
                 struct error *e) MUST_USE;
bool notify_send_rows(struct notify_sending *s, const char *file, struct error *e) MUST_USE;

#endif
