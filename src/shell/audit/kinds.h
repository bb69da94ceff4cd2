/* Kinds of control records that this module writes. */
#ifndef ASSAY_AUDIT_KINDS_H
#define ASSAY_AUDIT_KINDS_H

#define AUDIT_CHECKPOINT "log.checkpoint" /* data: a checkpoint (checkpoint.h) */
#define AUDIT_CUT        "log.cut"        /* data: cut.h */

#endif
