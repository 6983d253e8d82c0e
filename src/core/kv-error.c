/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"

#include "core/kv-error-details.h"

typedef struct {
  char *subject; /* (owned) (nullable) */
  guint64 limit;
} KvErrorPrivate;

static void
kv_error_private_init (KvErrorPrivate *details)
{
  *details = (KvErrorPrivate){ 0 };
}

static void
kv_error_private_copy (const KvErrorPrivate *details, KvErrorPrivate *copy)
{
  copy->subject = g_strdup (details->subject);
  copy->limit = details->limit;
}

static void
kv_error_private_clear (KvErrorPrivate *details)
{
  g_free (details->subject);
}

/* GLib aligns what its macro casts to, which clang cannot see. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-align"
G_DEFINE_EXTENDED_ERROR (KvError, kv_error)
#pragma GCC diagnostic pop

void
kv_error_set_subject (GError *error, const char *subject)
{
  KvErrorPrivate *details = kv_error_get_private (error);
  char *copy = g_strdup (subject);

  g_free (details->subject);
  details->subject = copy;
}

const char *
kv_error_get_subject (const GError *error)
{
  return error->domain == KV_ERROR ? kv_error_get_private (error)->subject : NULL;
}

void
kv_error_set_limit (GError *error, guint64 limit)
{
  kv_error_get_private (error)->limit = limit;
}

guint64
kv_error_get_limit (const GError *error)
{
  return error->domain == KV_ERROR ? kv_error_get_private (error)->limit : 0;
}

gboolean
kv_error_set_about (GError **error, KvError code, const char *subject, const char *format, ...)
{
  va_list arguments;

  if (error == NULL)
    return FALSE;
  va_start (arguments, format);
  g_propagate_error (error, g_error_new_valist (KV_ERROR, (int) code, format, arguments));
  va_end (arguments);
  kv_error_set_subject (*error, subject);
  return FALSE;
}
