/* What `assay key` and `assay user` share: keys and users either in the data directory itself,
 * where no service runs on it, or asked of the service that has it open. */
#ifndef ASSAY_CMD_ADMIN_H
#define ASSAY_CMD_ADMIN_H

#include "shell/access/credentials.h"
#include "shell/cmd/cmd.h"

struct admin {
    struct invocation *v;
    struct control *control;         /* NULL: asked of a service */
    struct credentials *credentials; /* of the data directory */
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer;
    struct json_document *document; /* of the last answer */
    char url[SERVICE_URL_MAX];
    char user[64];
    struct control_change by; /* of changes in the data directory */
};

/* With --url the service; else the data directory, and where that is open elsewhere the service of
 * the settings. admin_close also after a failure. */
bool admin_open(struct admin *a, struct invocation *v, struct error *e) MUST_USE;
void admin_close(struct admin *a);

/* Asks the service: GET where body is NULL, DELETE where it is "". The answer is in a->document. */
bool admin_ask(struct admin *a, const char *path, struct buffer *body, bool is_delete,
               struct error *e) MUST_USE;
/* --role a,b as a JSON array behind `"roles":` */
bool admin_roles(const struct invocation *v, unsigned *roles, struct error *e) MUST_USE;
/* A JSON array that this process has formatted, as if it had been answered: {"items": [...]}. */
bool admin_parse(struct admin *a, struct error *e) MUST_USE;

#endif
