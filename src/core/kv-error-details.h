/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-error.h"

G_BEGIN_DECLS

/* What an error of %KV_ERROR carries beside its code and its message, for programs that read it. Any thread. */

/**
 * kv_error_set_subject:
 * @error: a #KvError
 * @subject: (nullable): the name of the parameter, header or member that is to blame; copied
 */
void kv_error_set_subject (GError *error, const char *subject);

/**
 * kv_error_get_subject:
 *
 * Returns: (nullable): what kv_error_set_subject() was given last; %NULL for an error of another domain
 */
const char *kv_error_get_subject (const GError *error);

/**
 * kv_error_set_limit:
 * @error: a #KvError
 * @limit: how much there may be of what was too much
 */
void kv_error_set_limit (GError *error, guint64 limit);

/**
 * kv_error_get_limit:
 *
 * Returns: what kv_error_set_limit() was given; 0 where there is none
 */
guint64 kv_error_get_limit (const GError *error);

/**
 * kv_error_set_about:
 * @error: (out) (optional): set to a #KvError
 * @subject: (nullable): what is to blame
 *
 * As g_set_error(), with a subject.
 *
 * Returns: %FALSE
 */
gboolean
kv_error_set_about (GError **error, KvError code, const char *subject, const char *format, ...)
  G_GNUC_PRINTF (4, 5);

G_END_DECLS
