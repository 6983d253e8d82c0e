/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KV_ERROR:
 *
 * The error domain of kvstore: the only one, beside %G_IO_ERROR_CANCELLED, that leaves a layer. The front
 * ends map it, each in one table, to HTTP statuses and to `org.kvstore.Error.*`.
 */
#define KV_ERROR (kv_error_quark ())

/**
 * KvError:
 * @KV_ERROR_FAILED: something failed inside; the caller did nothing wrong
 * @KV_ERROR_NOT_FOUND: there is no such key
 * @KV_ERROR_CONDITION_FAILED: a condition of the write did not hold; nothing was changed
 * @KV_ERROR_INVALID_KEY: not a key: 1 to 1024 bytes of UTF-8 without control characters
 * @KV_ERROR_INVALID_VALUE: not a value: it must be UTF-8
 * @KV_ERROR_INVALID_ARGUMENT: a parameter or the syntax of a request is wrong
 * @KV_ERROR_UNPROCESSABLE: right syntax, but not the shape that was asked for
 * @KV_ERROR_NOT_A_NUMBER: an increment of a value that is no decimal 64-bit integer, or past its range
 * @KV_ERROR_TOO_LARGE: a value, a body or a batch over its limit
 * @KV_ERROR_LIMIT_EXCEEDED: over the rate limit or a quota; may succeed later
 * @KV_ERROR_NOT_AUTHORIZED: this caller may not do that
 * @KV_ERROR_UNAVAILABLE: cannot be done now (a full disk, a lost quorum, a stop in progress)
 * @KV_ERROR_OUT_OF_REACH: the changes after that revision are not to be had: too old, or not yet there
 */
typedef enum {
  KV_ERROR_FAILED,
  KV_ERROR_NOT_FOUND,
  KV_ERROR_CONDITION_FAILED,
  KV_ERROR_INVALID_KEY,
  KV_ERROR_INVALID_VALUE,
  KV_ERROR_INVALID_ARGUMENT,
  KV_ERROR_UNPROCESSABLE,
  KV_ERROR_NOT_A_NUMBER,
  KV_ERROR_TOO_LARGE,
  KV_ERROR_LIMIT_EXCEEDED,
  KV_ERROR_NOT_AUTHORIZED,
  KV_ERROR_UNAVAILABLE,
  KV_ERROR_OUT_OF_REACH,
} KvError;

/* Not a member of the enumeration, so that a switch over it stays complete. */
#define KV_N_ERRORS (KV_ERROR_OUT_OF_REACH + 1)

GQuark kv_error_quark (void);

G_END_DECLS
