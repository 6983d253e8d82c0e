/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/**
 * KvPage:
 *
 * A page of a listing: some of the keys with a prefix, in byte order, all as they were at one revision. A boxed type,
 * immutable; any thread may hold and read it. It holds on to the entries that it shows.
 */
typedef struct _KvPage KvPage;

#define KV_TYPE_PAGE (kv_page_get_type ())
GType kv_page_get_type (void) G_GNUC_CONST;

/**
 * kv_page_ref:
 *
 * Returns: (transfer full): @page
 */
KvPage *kv_page_ref (KvPage *page);

/**
 * kv_page_unref:
 * @page: (transfer full): a page
 */
void kv_page_unref (KvPage *page);

/**
 * kv_page_get_length:
 *
 * Returns: the number of its items: keys, and folders
 */
guint kv_page_get_length (const KvPage *page);

/**
 * kv_page_get_name:
 * @index: of an item
 * @length: (out) (optional): its bytes
 *
 * Returns: (transfer none): the key, or what all keys in the folder begin with, delimiter included; NUL-terminated
 */
const char *kv_page_get_name (const KvPage *page, guint index, gsize *length);

/**
 * kv_page_is_folder:
 * @index: of an item
 *
 * Returns: whether it stands for all keys that begin with its name, of which there is one at least
 */
gboolean kv_page_is_folder (const KvPage *page, guint index);

/**
 * kv_page_get_entry:
 * @index: of an item
 *
 * Returns: (transfer none) (nullable): the entry; %NULL for a folder, and where only keys were asked for
 */
KvEntry *kv_page_get_entry (const KvPage *page, guint index);

/**
 * kv_page_get_cursor:
 *
 * Returns: (transfer none) (nullable): where the listing goes on, for who asks for the next page; %NULL when this is the last.
 *   It is good as long as the process lives, for the same prefix and delimiter
 */
const char *kv_page_get_cursor (const KvPage *page);

/**
 * kv_page_get_count:
 *
 * Returns: how many keys there are with the prefix, where that was asked for; 0 otherwise
 */
guint64 kv_page_get_count (const KvPage *page);

/**
 * kv_page_get_revision:
 *
 * Returns: the revision of the store at which all of it was so
 */
guint64 kv_page_get_revision (const KvPage *page);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvPage, kv_page_unref)

G_END_DECLS
