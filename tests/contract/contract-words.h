/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "kvstore.h"

/* How the questions and answers of contract-library.c are written: a line each, of words that are separated by blanks and
 * percent-encoded. Where a value may be missing it stands behind a "=", and a "-" is none. */

/**
 * say:
 *
 * Writes a line.
 */
void say (const char *format, ...) G_GNUC_PRINTF (1, 2);

/**
 * say_error:
 *
 * Writes a line with the name of @error alone.
 */
void say_error (const GError *error);

/**
 * decode_text:
 *
 * Returns: (transfer full) (nullable): the text of a word, %NULL of "-"
 */
char *decode_text (const char *word);

/**
 * encode:
 *
 * Returns: (transfer full): a word
 */
char *encode (const char *text, gsize length);

/**
 * encode_value:
 *
 * Returns: (transfer full): the value of @entry as it is, which may be an empty word
 */
char *encode_value (const KvEntry *entry);

/**
 * append_entry:
 * @entry: (nullable): an entry
 *
 * Appends " =VALUE REVISION", or " - 0".
 */
void append_entry (GString *line, const KvEntry *entry);

/**
 * append_result:
 *
 * Appends "WORD" and what append_entry() has of the entry, the revision of the result, and what was there before.
 */
void append_result (GString *line, const KvResult *result);

/**
 * read_operation:
 * @words: what is to be done: "get KEY", "put KEY VALUE", "delete KEY", "swap KEY EXPECTED VALUE", "swap-at KEY REVISION VALUE",
 *   "touch KEY" or "incr KEY BY"; then options: "ttl=SECONDS", "expires_at=TIME", "keepttl", "prev", and one of
 *   "absent", "present", "revision=N", "not_revision=N", "value=VALUE", "not_value=VALUE"; up to the end or a "|"
 * @expected: (out) (transfer full): what the operation borrows for as long as it is
 *
 * Returns: %FALSE and @error when the library does not take it
 */
gboolean read_operation (char **words, KvOperation *operation, GBytes **expected, GError **error);
