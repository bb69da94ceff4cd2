#include "shell/cmd/tracking.h"

#include <stdio.h>

#include "shell/run/data_directory.h"

bool tracking_open(const struct settings *s, struct mlflow **m, struct error *e)
{
    const struct mlflow_setting *said = &s->mlflow;
    char ca[DATA_PATH_MAX];
    struct mlflow_place place = {
        .url = said->url,
        .experiment = said->experiment != NULL ? said->experiment : s->name,
        .user = said->user,
        .password = said->password,
        .token = said->token,
        .ca = said->ca != NULL ? data_beside_settings(s, said->ca, ca) : NULL,
    };

    return mlflow_open(&place, m, e);
}

bool tracking_push(struct mlflow *m, const char *directory, const char *words, struct model_id *id,
                   struct mlflow_pushed *pushed, struct error *e)
{
    return registry_find(directory, text_of(words), id, e) &&
           mlflow_push(m, directory, id, pushed, e);
}
