/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvSoupInput:
 *
 * A pollable stream over one static text after another. While there is none it is not readable, and
 * polls nothing.
 */
#define KV_TYPE_SOUP_INPUT (kv_soup_input_get_type ())
G_DECLARE_FINAL_TYPE (KvSoupInput, kv_soup_input, KV, SOUP_INPUT, GInputStream)

/**
 * KvSoupInputFunc:
 */
typedef void (*KvSoupInputFunc) (gpointer user_data);

/**
 * kv_soup_input_new:
 * @reading: called before some text is read
 * @waiting: called when the reader begins to wait for the next text
 */
KvSoupInput *
kv_soup_input_new (KvSoupInputFunc reading, KvSoupInputFunc waiting, gpointer user_data);

/**
 * kv_soup_input_feed:
 * @text: static; what was fed before has been read
 */
void kv_soup_input_feed (KvSoupInput *input, const char *text);

/**
 * kv_soup_input_detach:
 *
 * The functions are not called any more.
 */
void kv_soup_input_detach (KvSoupInput *input);

G_END_DECLS
