/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-error.h"

G_BEGIN_DECLS

/* What is told when something is wrong, for programs: RFC 9457. Pure functions. */

#define KV_HTTP_PROBLEM_CONTENT_TYPE "application/problem+json"

/**
 * KvHttpProblemType:
 *
 * What can be wrong. Each has a page of its name in docs/problems/, and its `type` and status are promises.
 */
typedef enum {
  KV_HTTP_PROBLEM_INVALID_REQUEST,
  KV_HTTP_PROBLEM_INVALID_PARAMETER,
  KV_HTTP_PROBLEM_INVALID_KEY,
  KV_HTTP_PROBLEM_INVALID_VALUE,
  KV_HTTP_PROBLEM_NOT_AUTHORIZED,
  KV_HTTP_PROBLEM_NO_SUCH_PATH,
  KV_HTTP_PROBLEM_NO_SUCH_KEY,
  KV_HTTP_PROBLEM_METHOD_NOT_ALLOWED,
  KV_HTTP_PROBLEM_REQUEST_TIMEOUT,
  KV_HTTP_PROBLEM_NOT_A_NUMBER,
  KV_HTTP_PROBLEM_OUT_OF_REACH,
  KV_HTTP_PROBLEM_CONDITION_FAILED,
  KV_HTTP_PROBLEM_TOO_LARGE,
  KV_HTTP_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
  KV_HTTP_PROBLEM_UNPROCESSABLE,
  KV_HTTP_PROBLEM_TOO_MANY_REQUESTS,
  KV_HTTP_PROBLEM_INTERNAL_ERROR,
  KV_HTTP_PROBLEM_UNAVAILABLE,
} KvHttpProblemType;

/* Not a member of the enumeration, so that a switch over it stays complete. */
#define KV_HTTP_N_PROBLEMS (KV_HTTP_PROBLEM_UNAVAILABLE + 1)

/**
 * kv_http_problem_get_name:
 *
 * Returns: the last segment of its `type`, and the name of its page
 */
const char *kv_http_problem_get_name (KvHttpProblemType type);

/**
 * kv_http_problem_get_status:
 *
 * Returns: its HTTP status code
 */
guint kv_http_problem_get_status (KvHttpProblemType type);

/**
 * kv_http_problem_from_error:
 *
 * The one table from errors to problems, and so to HTTP statuses.
 *
 * Returns: what @error is; an internal error, which is a fault of ours, where it is not of %KV_ERROR
 */
KvHttpProblemType kv_http_problem_from_error (const GError *error);

/**
 * kv_http_problem_from_status:
 * @status: of a refusal that no error stands behind
 *
 * Returns: what it means where nothing of a key has been looked at yet
 */
KvHttpProblemType kv_http_problem_from_status (guint status);

/**
 * kv_http_problem_begin:
 * @status: of the answer
 * @detail: what has gone wrong this time, for a person
 *
 * Returns: (transfer full): the beginning of the JSON object, for members of the functions below
 */
GString *kv_http_problem_begin (KvHttpProblemType type, guint status, const char *detail);

/**
 * kv_http_problem_add_text:
 * @name: of the member; needs no escapes
 * @text: (array length=length): UTF-8, which may hold U+0000
 * @length: its bytes, or -1
 */
void kv_http_problem_add_text (GString *problem, const char *name, const char *text, gssize length);

void kv_http_problem_add_number (GString *problem, const char *name, guint64 number);

/**
 * kv_http_problem_end:
 * @problem: (transfer full): with its members
 *
 * Returns: (transfer full): the body, with a line end behind the object
 */
GBytes *kv_http_problem_end (GString *problem);

G_END_DECLS
