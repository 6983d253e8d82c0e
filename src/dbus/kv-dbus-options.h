/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "backup/kv-restore.h"
#include "core/kv-operation.h"
#include "dbus/wire/kv-dbus-reader.h"

G_BEGIN_DECLS

/**
 * KvDbusOption:
 * @KV_DBUS_OPTION_TTL: `ttl`, seconds: any integer type or a double
 * @KV_DBUS_OPTION_KEEPTTL: `keepttl`, a boolean
 * @KV_DBUS_OPTION_IF_REVISION: `if_revision`, any integer type
 * @KV_DBUS_OPTION_IF_ABSENT: `if_absent`, a boolean
 * @KV_DBUS_OPTION_SINCE: `since`, any integer type
 * @KV_DBUS_OPTION_MODE: `mode`, text: `merge` or `replace`
 * @KV_DBUS_OPTION_DRY_RUN: `dry_run`, a boolean
 * @KV_DBUS_OPTION_EXPIRES_AT: `expires_at`, text: a time as RFC 3339 has it
 * @KV_DBUS_OPTION_IF_PRESENT: `if_present`, a boolean
 * @KV_DBUS_OPTION_DELIMITER: `delimiter`, text
 * @KV_DBUS_OPTION_VALUES: `values`, a boolean
 * @KV_DBUS_OPTION_PREV: `prev`, a boolean
 * @KV_DBUS_OPTION_BY: `by`, any integer type
 * @KV_DBUS_OPTION_VALUE_BYTES: `value_bytes`, bytes
 * @KV_DBUS_OPTION_ABSENT: `absent`, a boolean
 * @KV_DBUS_OPTION_PRESENT: `present`, a boolean
 * @KV_DBUS_OPTION_REVISION: `revision`, any integer type
 * @KV_DBUS_OPTION_NOT_REVISION: `not_revision`, any integer type
 * @KV_DBUS_OPTION_VALUE: `value`, text or bytes
 * @KV_DBUS_OPTION_NOT_VALUE: `not_value`, text or bytes
 *
 * The options that methods know.
 */
typedef enum {
  KV_DBUS_OPTION_TTL = 1 << 0,
  KV_DBUS_OPTION_KEEPTTL = 1 << 1,
  KV_DBUS_OPTION_IF_REVISION = 1 << 2,
  KV_DBUS_OPTION_IF_ABSENT = 1 << 3,
  KV_DBUS_OPTION_SINCE = 1 << 4,
  KV_DBUS_OPTION_MODE = 1 << 5,
  KV_DBUS_OPTION_DRY_RUN = 1 << 6,
  KV_DBUS_OPTION_EXPIRES_AT = 1 << 7,
  KV_DBUS_OPTION_IF_PRESENT = 1 << 8,
  KV_DBUS_OPTION_DELIMITER = 1 << 9,
  KV_DBUS_OPTION_VALUES = 1 << 10,
  KV_DBUS_OPTION_PREV = 1 << 11,
  KV_DBUS_OPTION_BY = 1 << 12,
  KV_DBUS_OPTION_VALUE_BYTES = 1 << 13,
  KV_DBUS_OPTION_ABSENT = 1 << 14,
  KV_DBUS_OPTION_PRESENT = 1 << 15,
  KV_DBUS_OPTION_REVISION = 1 << 16,
  KV_DBUS_OPTION_NOT_REVISION = 1 << 17,
  KV_DBUS_OPTION_VALUE = 1 << 18,
  KV_DBUS_OPTION_NOT_VALUE = 1 << 19,
} KvDbusOption;

#define KV_DBUS_OPTIONS_PUT                                                                        \
  (KV_DBUS_OPTION_TTL | KV_DBUS_OPTION_KEEPTTL | KV_DBUS_OPTION_EXPIRES_AT                         \
   | KV_DBUS_OPTION_IF_REVISION | KV_DBUS_OPTION_IF_ABSENT | KV_DBUS_OPTION_IF_PRESENT)

#define KV_DBUS_OPTIONS_TOUCH                                                                      \
  (KV_DBUS_OPTION_TTL | KV_DBUS_OPTION_EXPIRES_AT | KV_DBUS_OPTION_IF_REVISION)

#define KV_DBUS_OPTIONS_LIST (KV_DBUS_OPTION_DELIMITER | KV_DBUS_OPTION_VALUES)

#define KV_DBUS_OPTIONS_RESTORE (KV_DBUS_OPTION_MODE | KV_DBUS_OPTION_DRY_RUN)

#define KV_DBUS_OPTIONS_WATCH (KV_DBUS_OPTION_SINCE | KV_DBUS_OPTION_PREV | KV_DBUS_OPTION_VALUES)

/* What a condition of a Transaction() may ask for. */
#define KV_DBUS_OPTIONS_CONDITION                                                                  \
  (KV_DBUS_OPTION_ABSENT | KV_DBUS_OPTION_PRESENT | KV_DBUS_OPTION_REVISION                        \
   | KV_DBUS_OPTION_NOT_REVISION | KV_DBUS_OPTION_VALUE | KV_DBUS_OPTION_NOT_VALUE)

/**
 * KvDbusOptions:
 * @given: the #KvDbusOption flags of those that were given; a boolean that is false counts as not given
 * @ttl: microseconds
 * @mode: %KV_RESTORE_MERGE when it is not given
 * @expires_at: by the wall clock: microseconds since the Unix epoch
 * @delimiter: (nullable): borrowed from the message; %NULL when it is not given
 * @by: what to add
 * @revision: of `revision` or `not_revision`, 1 or more
 * @value: (array length=value_length): of `value`, `not_value` or `value_bytes`: the last of them; borrowed from the message
 * @value_length: its bytes
 * @without_values: whether `values` is false
 *
 * The options of one call, once they have been read.
 */
typedef struct {
  guint given;
  gint64 ttl;
  guint64 if_revision;
  guint64 since;
  KvRestoreMode mode;
  gint64 expires_at;
  const char *delimiter;
  gint64 by;
  guint64 revision;
  const char *value;
  gsize value_length;
  gboolean without_values;
} KvDbusOptions;

/**
 * kv_dbus_options_parse:
 * @parameters: at an a{sv}, which is passed over when %TRUE is returned; checked
 * @allowed: the #KvDbusOption flags of those that the method knows
 * @options: (out): is filled in
 * @error: set to %KV_ERROR_INVALID_ARGUMENT for an option that is unknown, given twice, of a wrong type or range, or in
 *   contradiction to another
 */
gboolean kv_dbus_options_parse (KvDbusReader *parameters,
                                guint allowed,
                                KvDbusOptions *options,
                                GError **error);

/**
 * kv_dbus_options_get_deadline:
 *
 * Returns: the deadline that `ttl` asks for, counted from now, or `expires_at`, by the wall clock as it is set now; %KV_NO_DEADLINE
 *   when neither is given. What lies in the past expires at once
 */
gint64 kv_dbus_options_get_deadline (const KvDbusOptions *options);

/**
 * kv_dbus_options_refine:
 * @operation: a PUT, DELETE or TOUCH
 *
 * Sets the condition and `keepttl` of @operation.
 */
void kv_dbus_options_refine (const KvDbusOptions *options, KvOperation *operation);

G_END_DECLS
