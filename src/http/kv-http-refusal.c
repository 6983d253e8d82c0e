/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-refusal.h"

#include "core/kv-error-details.h"
#include "http/kv-http-router.h"
#include "http/kv-http-uri.h"

#include <string.h>

static KvHttpSpan
strip (KvHttpSpan text)
{
  while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
    {
      text.data++;
      text.length--;
    }
  while (text.length > 0
         && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
    text.length--;
  return text;
}

/* Takes what stands before the next @separator off @rest, without the blanks around it. */
static KvHttpSpan
take_part (KvHttpSpan *rest, char separator)
{
  const char *stop = memchr (rest->data, separator, rest->length);
  KvHttpSpan part = { rest->data, stop != NULL ? (gsize) (stop - rest->data) : rest->length };
  gsize taken = part.length + (stop != NULL);

  rest->data += taken;
  rest->length -= taken;
  return strip (part);
}

/* A quality of zero, however it is written: that is not wanted (RFC 9110, section 12.4.2). */
static gboolean
is_zero_quality (KvHttpSpan parameter)
{
  if (parameter.length < 3 || g_ascii_strncasecmp (parameter.data, "q=0", 3) != 0)
    return FALSE;
  for (gsize i = 3; i < parameter.length; i++)
    if (parameter.data[i] != '0' && parameter.data[i] != '.')
      return FALSE;
  return TRUE;
}

static gboolean
names_problems (KvHttpSpan accept)
{
  static const char type[] = KV_HTTP_PROBLEM_CONTENT_TYPE;

  while (accept.length > 0)
    {
      KvHttpSpan range = take_part (&accept, ',');
      KvHttpSpan name = take_part (&range, ';');
      gboolean wanted =
        name.length == strlen (type) && g_ascii_strncasecmp (name.data, type, strlen (type)) == 0;

      while (wanted && range.length > 0)
        wanted = !is_zero_quality (take_part (&range, ';'));
      if (wanted)
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_ours (KvHttpSpan path)
{
  return path.length >= strlen ("/v1") && memcmp (path.data, "/v1", strlen ("/v1")) == 0
         && (path.length == strlen ("/v1") || path.data[strlen ("/v1")] == '/');
}

gboolean
kv_http_refusal_wants_problem (KvHttpExchange *exchange)
{
  if (exchange->path.data == NULL)
    return FALSE;
  return is_ours (exchange->path)
         || (exchange->accepts
             && names_problems (kv_http_exchange_get_header (exchange, "accept")));
}

static void
add_key (KvHttpExchange *exchange, GString *problem)
{
  KvHttpKey key;

  if (exchange->route != NULL && kv_http_router_has_key (exchange->route)
      && kv_http_uri_decode_key (kv_http_router_get_segment (exchange), &key, NULL))
    kv_http_problem_add_text (problem, "key", key.text, (gssize) key.length);
}

static void
add_value (const KvEntry *entry, GString *problem)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  kv_http_problem_add_text (problem, "value", value, (gssize) length);
}

static void
set_problem (const KvHttpRefusal *refusal, guint status, KvHttpExchange *exchange)
{
  GString *problem = kv_http_problem_begin (refusal->type, status, refusal->detail);

  if (refusal->parameter != NULL)
    kv_http_problem_add_text (problem, "parameter", refusal->parameter, -1);
  add_key (exchange, problem);
  if (refusal->limit != 0)
    kv_http_problem_add_number (problem, "limit", refusal->limit);
  if (refusal->retry_after != 0)
    kv_http_problem_add_number (problem, "retry_after", refusal->retry_after);
  if (refusal->current != NULL)
    kv_http_problem_add_number (problem, "revision", kv_entry_get_revision (refusal->current));
  if (refusal->current != NULL && refusal->with_value)
    add_value (refusal->current, problem);
  if (refusal->oldest != 0)
    {
      kv_http_problem_add_number (problem, "oldest", refusal->oldest);
      kv_http_problem_add_number (problem, "current", refusal->newest);
    }
  kv_http_exchange_add_header (exchange, "Content-Type", KV_HTTP_PROBLEM_CONTENT_TYPE);
  exchange->response.body_bytes = kv_http_problem_end (problem);
}

/* Most lines are short, and need no memory of their own. */
static void
set_text (const char *detail, KvHttpExchange *exchange)
{
  char *text;

  kv_http_exchange_add_header (exchange, "Content-Type", "text/plain; charset=utf-8");
  if (strlen (detail) < KV_HTTP_SCRATCH_SIZE / 3)
    {
      exchange->response.body = kv_http_exchange_scratch (exchange, "%s\n", detail);
      return;
    }
  text = g_strconcat (detail, "\n", NULL);
  exchange->response.body_bytes = g_bytes_new_take (text, strlen (text));
}

void
kv_http_refusal_fill_in (const KvHttpRefusal *refusal, KvHttpExchange *exchange)
{
  guint status =
    refusal->status != 0 ? refusal->status : kv_http_problem_get_status (refusal->type);
  gboolean as_problem = kv_http_refusal_wants_problem (exchange);

  kv_http_exchange_reset_response (exchange);
  exchange->response.status = status;
  if (as_problem)
    set_problem (refusal, status, exchange);
  else
    set_text (refusal->detail, exchange);
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  if (refusal->retry_after != 0)
    kv_http_exchange_add_header (exchange, "Retry-After",
                                 kv_http_exchange_scratch (exchange, "%u", refusal->retry_after));
  if (refusal->current != NULL)
    kv_http_exchange_add_entry (exchange, refusal->current);
}

void
kv_http_refusal_fill_in_error (const GError *error, KvHttpExchange *exchange)
{
  const KvHttpRefusal refusal = {
    .type = kv_http_problem_from_error (error),
    .detail = error->message,
    .parameter = kv_error_get_subject (error),
    .limit = kv_error_get_limit (error),
  };

  kv_http_refusal_fill_in (&refusal, exchange);
}
