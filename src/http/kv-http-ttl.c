/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-ttl.h"

#include "core/kv-error-details.h"
#include "core/kv-timestamp.h"
#include "http/kv-http-uri.h"

gint64
kv_http_ttl_to_deadline (guint64 seconds)
{
  if (seconds > G_MAXINT64 / G_USEC_PER_SEC)
    return KV_NO_DEADLINE;
  return kv_clock_deadline_after ((gint64) seconds * G_USEC_PER_SEC);
}

gboolean
kv_http_ttl_from_query (KvHttpSpan query, gint64 *deadline, GError **error)
{
  char buffer[32];
  KvHttpSpan text;
  guint64 seconds;

  *deadline = KV_NO_DEADLINE;
  if (!kv_http_uri_get_parameter (query, "ttl", buffer, sizeof buffer, &text, error))
    return FALSE;
  if (text.data == NULL)
    return TRUE;
  if (!kv_http_uri_parse_decimal (text, &seconds))
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "ttl",
                               "\"ttl\" is a whole number of seconds, 0 or more");
  *deadline = kv_http_ttl_to_deadline (seconds);
  return TRUE;
}

gint64
kv_http_ttl_from_arguments (const KvHttpArgument *ttl, const KvHttpArgument *expires_at)
{
  if (ttl->given)
    return kv_clock_deadline_after (ttl->microseconds);
  if (expires_at->given)
    return MAX (kv_timestamp_to_deadline (expires_at->microseconds), kv_clock_now ());
  return KV_NO_DEADLINE;
}
