/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* JSON as text (RFC 8259), for the layers that write it, and for those that bound it before they have it parsed. Any
 * thread. */

/**
 * KV_JSON_TEXT_MAX_DEPTH:
 *
 * How deep the arrays and objects of a text may nest.
 */
#define KV_JSON_TEXT_MAX_DEPTH 64

/**
 * KV_JSON_TEXT_MAX_MEMBERS:
 *
 * How many members an object of a text may have.
 */
#define KV_JSON_TEXT_MAX_MEMBERS 256

/**
 * KV_JSON_TEXT_MAX_VALUES:
 *
 * How many values a text may hold in all: a parsed one takes up to a hundred times the bytes of its text.
 */
#define KV_JSON_TEXT_MAX_VALUES 65536

/**
 * kv_json_text_check_bounds:
 * @text: (array length=length): what may be JSON
 * @length: its bytes
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when it nests too deep or has an object with too many members, to
 *   %KV_ERROR_TOO_LARGE when it holds too many values
 *
 * Goes before a parser, which recurses and allocates: bounds what that will meet, and leaves the syntax to it.
 */
gboolean kv_json_text_check_bounds (const char *text, gsize length, GError **error);

/**
 * kv_json_text_append_string:
 * @out: where to write
 * @text: (array length=length): valid UTF-8; it may hold U+0000
 * @length: its bytes
 *
 * Writes a JSON string, quotation marks and all. What need not be escaped is not.
 */
void kv_json_text_append_string (GString *out, const char *text, gsize length);

G_END_DECLS
