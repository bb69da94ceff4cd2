#include "shell/cmd/cmd.h"

/* clang-format off */
/* In the order in which help lists them within their group. */
const struct command *const commands[] = {
    &command_init,
    &command_profile,
    &command_check,
    &command_test,
    &command_train,
    &command_model,
    &command_mlflow,
    &command_serve,
    &command_reload,
    &command_explain,
    &command_demo,
    &command_generate,
    &command_load,
    &command_rollup,
    &command_daily,
    &command_produce,
    &command_score,
    &command_stream,
    &command_features,
    &command_sql,
    &command_top,
    &command_label,
    &command_list,
    &command_rule,
    &command_alert,
    &command_case,
    &command_key,
    &command_user,
    &command_status,
    &command_drift,
    &command_doctor,
    &command_size,
    &command_log,
    &command_audit,
    &command_backtest,
    &command_replay,
    &command_rebuild,
    &command_export,
    &command_erase,
    &command_openapi,
    &command_help,
    &command_version,
};
/* clang-format on */

const size_t command_count = sizeof commands / sizeof commands[0];

const struct command *command_find(struct text name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (text_is(name, commands[i]->name))
            return commands[i];
    }
    return NULL;
}
