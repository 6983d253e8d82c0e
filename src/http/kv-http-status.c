/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-status.h"

/* Whoever adds an error comes past here; and the compiler tells which case is missing below. */
G_STATIC_ASSERT (KV_N_ERRORS == 12);

guint
kv_http_status_from_error (const GError *error)
{
  if (error->domain != KV_ERROR)
    return 500;
  switch ((KvError) error->code)
    {
    case KV_ERROR_FAILED:
      return 500;
    case KV_ERROR_NOT_FOUND:
      return 404;
    case KV_ERROR_CONDITION_FAILED:
      return 412;
    case KV_ERROR_INVALID_KEY:
    case KV_ERROR_INVALID_VALUE:
    case KV_ERROR_INVALID_ARGUMENT:
      return 400;
    case KV_ERROR_UNPROCESSABLE:
      return 422;
    case KV_ERROR_NOT_A_NUMBER:
      return 409;
    case KV_ERROR_TOO_LARGE:
      return 413;
    case KV_ERROR_LIMIT_EXCEEDED:
      return 429;
    case KV_ERROR_NOT_AUTHORIZED:
      return 403;
    case KV_ERROR_UNAVAILABLE:
      return 503;
    }
  return 500;
}
