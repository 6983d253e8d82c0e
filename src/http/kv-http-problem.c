/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-problem.h"

#include "core/kv-error-details.h"
#include "core/kv-json-text.h"

#include <string.h>

/* The title tells what kind of thing is wrong, and never changes from one time to the next (RFC 9457, section 3.1.3). */
static const struct {
  const char *name;
  guint status;
  const char *title;
} problems[] = {
  [KV_HTTP_PROBLEM_INVALID_REQUEST] = { "invalid-request", 400, "The request cannot be read" },
  [KV_HTTP_PROBLEM_INVALID_PARAMETER] = { "invalid-parameter", 400, "A parameter is not right" },
  [KV_HTTP_PROBLEM_INVALID_KEY] = { "invalid-key", 400, "That is no key" },
  [KV_HTTP_PROBLEM_INVALID_VALUE] = { "invalid-value", 400, "That is no value" },
  [KV_HTTP_PROBLEM_NOT_AUTHORIZED] = { "not-authorized", 403, "You may not do that" },
  [KV_HTTP_PROBLEM_NO_SUCH_PATH] = { "no-such-path", 404, "There is nothing at this path" },
  [KV_HTTP_PROBLEM_NO_SUCH_KEY] = { "no-such-key", 404, "There is no such key" },
  [KV_HTTP_PROBLEM_METHOD_NOT_ALLOWED] = { "method-not-allowed", 405,
                                           "This path does not answer that method" },
  [KV_HTTP_PROBLEM_REQUEST_TIMEOUT] = { "request-timeout", 408,
                                        "The request did not come in time" },
  [KV_HTTP_PROBLEM_NOT_A_NUMBER] = { "not-a-number", 409, "The value cannot be counted with" },
  [KV_HTTP_PROBLEM_OUT_OF_REACH] = { "out-of-reach", 410, "Nobody remembers that revision" },
  [KV_HTTP_PROBLEM_CONDITION_FAILED] = { "condition-failed", 412, "A condition does not hold" },
  [KV_HTTP_PROBLEM_TOO_LARGE] = { "too-large", 413, "That is more than is taken" },
  [KV_HTTP_PROBLEM_UNSUPPORTED_MEDIA_TYPE] = { "unsupported-media-type", 415,
                                               "The body has another type than is taken" },
  [KV_HTTP_PROBLEM_UNPROCESSABLE] = { "unprocessable", 422, "The body has not the shape it needs" },
  [KV_HTTP_PROBLEM_TOO_MANY_REQUESTS] = { "too-many-requests", 429, "Too many requests" },
  [KV_HTTP_PROBLEM_INTERNAL_ERROR] = { "internal-error", 500, "Something failed in here" },
  [KV_HTTP_PROBLEM_UNAVAILABLE] = { "unavailable", 503, "That cannot be done now" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (problems) == KV_HTTP_N_PROBLEMS);

const char *
kv_http_problem_get_name (KvHttpProblemType type)
{
  return problems[type].name;
}

guint
kv_http_problem_get_status (KvHttpProblemType type)
{
  return problems[type].status;
}

/* Whoever adds an error comes past here; and the compiler tells which case is missing below. */
G_STATIC_ASSERT (KV_N_ERRORS == 13);

KvHttpProblemType
kv_http_problem_from_error (const GError *error)
{
  if (error->domain != KV_ERROR)
    return KV_HTTP_PROBLEM_INTERNAL_ERROR;
  switch ((KvError) error->code)
    {
    case KV_ERROR_FAILED:
      return KV_HTTP_PROBLEM_INTERNAL_ERROR;
    case KV_ERROR_NOT_FOUND:
      return KV_HTTP_PROBLEM_NO_SUCH_KEY;
    case KV_ERROR_CONDITION_FAILED:
      return KV_HTTP_PROBLEM_CONDITION_FAILED;
    case KV_ERROR_INVALID_KEY:
      return KV_HTTP_PROBLEM_INVALID_KEY;
    case KV_ERROR_INVALID_VALUE:
      return KV_HTTP_PROBLEM_INVALID_VALUE;
    case KV_ERROR_INVALID_ARGUMENT:
      return kv_error_get_subject (error) != NULL ? KV_HTTP_PROBLEM_INVALID_PARAMETER
                                                  : KV_HTTP_PROBLEM_INVALID_REQUEST;
    case KV_ERROR_UNPROCESSABLE:
      return KV_HTTP_PROBLEM_UNPROCESSABLE;
    case KV_ERROR_NOT_A_NUMBER:
      return KV_HTTP_PROBLEM_NOT_A_NUMBER;
    case KV_ERROR_TOO_LARGE:
      return KV_HTTP_PROBLEM_TOO_LARGE;
    case KV_ERROR_LIMIT_EXCEEDED:
      return KV_HTTP_PROBLEM_TOO_MANY_REQUESTS;
    case KV_ERROR_NOT_AUTHORIZED:
      return KV_HTTP_PROBLEM_NOT_AUTHORIZED;
    case KV_ERROR_UNAVAILABLE:
      return KV_HTTP_PROBLEM_UNAVAILABLE;
    case KV_ERROR_OUT_OF_REACH:
      return KV_HTTP_PROBLEM_OUT_OF_REACH;
    }
  return KV_HTTP_PROBLEM_INTERNAL_ERROR;
}

KvHttpProblemType
kv_http_problem_from_status (guint status)
{
  switch (status)
    {
    case 403:
      return KV_HTTP_PROBLEM_NOT_AUTHORIZED;
    case 404:
      return KV_HTTP_PROBLEM_NO_SUCH_PATH;
    case 405:
      return KV_HTTP_PROBLEM_METHOD_NOT_ALLOWED;
    case 408:
      return KV_HTTP_PROBLEM_REQUEST_TIMEOUT;
    case 413:
      return KV_HTTP_PROBLEM_TOO_LARGE;
    case 415:
      return KV_HTTP_PROBLEM_UNSUPPORTED_MEDIA_TYPE;
    case 429:
      return KV_HTTP_PROBLEM_TOO_MANY_REQUESTS;
    case 503:
      return KV_HTTP_PROBLEM_UNAVAILABLE;
    default:
      return KV_HTTP_PROBLEM_INVALID_REQUEST;
    }
}

void
kv_http_problem_add_text (GString *problem, const char *name, const char *text, gssize length)
{
  g_string_append_printf (problem, ",\"%s\":", name);
  kv_json_text_append_string (problem, text, length < 0 ? strlen (text) : (gsize) length);
}

void
kv_http_problem_add_number (GString *problem, const char *name, guint64 number)
{
  g_string_append_printf (problem, ",\"%s\":%" G_GUINT64_FORMAT, name, number);
}

GString *
kv_http_problem_begin (KvHttpProblemType type, guint status, const char *detail)
{
  GString *problem = g_string_sized_new (256);

  g_string_append_printf (problem, "{\"type\":\"/problems/%s\"", problems[type].name);
  kv_http_problem_add_text (problem, "title", problems[type].title, -1);
  kv_http_problem_add_number (problem, "status", status);
  kv_http_problem_add_text (problem, "detail", detail, -1);
  return problem;
}

GBytes *
kv_http_problem_end (GString *problem)
{
  g_string_append (problem, "}\n");
  return g_string_free_to_bytes (problem);
}
