/* The sections `access` and `server.tls`: what the rows of the table cannot say. */
#ifndef ASSAY_SETTINGS_ACCESS_H
#define ASSAY_SETTINGS_ACCESS_H

#include "shell/settings/settings.h"

/* "120/min"; also /s, /h, /d. */
bool rate_parse(struct text t, struct rate_setting *r, struct error *e) MUST_USE;
/* https, or http on this machine for tests and development. */
bool access_is_private_url(const char *url);
bool access_verify(struct settings *s, struct error *e) MUST_USE;

#endif
