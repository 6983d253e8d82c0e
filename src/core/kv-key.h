/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KV_KEY_MAX_BYTES:
 *
 * The longest key, in bytes.
 */
#define KV_KEY_MAX_BYTES 1024

/**
 * KV_VALUE_MAX_BYTES:
 *
 * The default limit of a value, in bytes (2 MiB). The front ends may set another; the store holds what fits
 * into 32 bits of length.
 */
#define KV_VALUE_MAX_BYTES (2u * 1024 * 1024)

/**
 * kv_key_validate:
 * @key: (array length=length) (element-type guint8): the bytes
 * @length: their number, or -1 when NUL-terminated
 * @error: set to %KV_ERROR_INVALID_KEY, with a text for the person who sent the key
 *
 * Tells whether @key is 1 to %KV_KEY_MAX_BYTES bytes of UTF-8 (RFC 3629) without control characters (U+0000 to
 * U+001F, U+007F). Any thread.
 */
gboolean kv_key_validate (const char *key, gssize length, GError **error);

/**
 * kv_value_validate:
 * @value: (array length=length) (element-type guint8): the bytes; they may hold U+0000
 * @length: their number
 * @error: set to %KV_ERROR_INVALID_VALUE (not UTF-8) or %KV_ERROR_TOO_LARGE (over G_MAXINT32)
 *
 * Tells whether @value is UTF-8. Any thread.
 */
gboolean kv_value_validate (const char *value, gsize length, GError **error);

G_END_DECLS
