/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-json.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * kv_http_txn_read:
 * @body: what the request says: an object with the arrays `if`, `then` and `else`
 * @error: set to %KV_ERROR_UNPROCESSABLE when it is not that, or one of its parts is not what it should be; to %KV_ERROR_TOO_LARGE
 *   when it has too many parts, or a value is too long. Its subject is a JSON pointer (RFC 6901)
 *
 * Reads a transaction. Members that it does not know are refused: one that is misspelt would be a condition less.
 *
 * Returns: (transfer full): an atomic transaction, which borrows nothing of @body
 */
KvTransaction *
kv_http_txn_read (const KvHttpExchange *exchange, const json_t *body, GError **error);

G_END_DECLS
