/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-page.h"

G_BEGIN_DECLS

/* How a page is filled, before anybody else has it. */

typedef struct {
  KvEntry *entry; /* (owned) (nullable): its key is the name, if there is one */
  guint32 name;   /* where it begins in the page's names otherwise */
  guint16 length;
  guint16 is_folder;
} KvPageItem;

struct _KvPage {
  gint references; /* atomic; as that of an entry */
  guint64 revision;
  guint64 count;
  char *cursor;   /* (owned) (nullable) */
  GString *names; /* (owned): each followed by a NUL */
  guint length;   /* items */
  guint room;     /* and how many there may be */
  KvPageItem items[];
};

/**
 * kv_page_new:
 * @room: the most items that are going to be added
 *
 * Returns: (transfer full): an empty page
 */
KvPage *kv_page_new (guint room);

/**
 * kv_page_add_entry:
 * @entry: (transfer none): an entry to show
 */
void kv_page_add_entry (KvPage *page, KvEntry *entry);

/**
 * kv_page_add_name:
 * @name: (array length=length): a key, or a folder
 */
void kv_page_add_name (KvPage *page, const char *name, gsize length, gboolean is_folder);

G_END_DECLS
