/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-error.h"
#include "core/kv-key.h"

G_BEGIN_DECLS

/**
 * KvCursor:
 * @text: (array length=length): a key, or the name of a folder
 * @length: its bytes
 * @past_folder: whether the listing goes on behind everything in that folder, or behind that key
 *
 * Where a listing goes on. As text, for clients, it is opaque: base64url (RFC 4648) without padding of
 *
 * - a byte that says how the rest is to be read: 1,
 * - a byte: 1 when it goes on past a folder, or 0,
 * - the key or folder,
 * - a seal of 16 bytes: HMAC-SHA-256 of all that, and of the prefix and the delimiter of the listing, cut short.
 *
 * So a cursor that was changed is refused, and so is one that belongs to another listing. What is sealed is no secret: the key is
 * one that the client was shown. The secret of the seal is drawn when the process starts; a cursor from before is refused like one
 * that was changed, and the listing has to begin anew.
 *
 * Pure functions, any thread.
 */
typedef struct {
  char text[KV_KEY_MAX_BYTES];
  gsize length;
  gboolean past_folder;
} KvCursor;

/**
 * KvCursorScope:
 * @prefix: (array length=prefix_length): with what all keys of the listing begin
 * @delimiter: (array length=delimiter_length): by what it folds them
 *
 * The listing that a cursor belongs to. Borrows its texts.
 */
typedef struct {
  const char *prefix;
  gsize prefix_length;
  const char *delimiter;
  gsize delimiter_length;
} KvCursorScope;

/**
 * kv_cursor_encode:
 *
 * Returns: (transfer full): @cursor as text
 */
char *kv_cursor_encode (const KvCursor *cursor, const KvCursorScope *scope);

/**
 * kv_cursor_decode:
 * @text: what a client says is a cursor
 * @cursor: (out): filled in
 * @error: set to %KV_ERROR_INVALID_ARGUMENT
 *
 * Returns: whether kv_cursor_encode() made @text, in this process, for @scope
 */
gboolean
kv_cursor_decode (const char *text, const KvCursorScope *scope, KvCursor *cursor, GError **error);

G_END_DECLS
