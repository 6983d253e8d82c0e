/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-key-index.h"

G_BEGIN_DECLS

/* What an index looks like inside, for itself and for its iterator. */

/* Between two children stands a separator: it is behind every key of the left one, and not behind any of the right one. It is
 * no more of a key than that takes. */
#define KV_KEY_BRANCH_CHILDREN (KV_KEY_PAGE_KEYS + 2)

typedef struct {
  guint length;                              /* children */
  KvKeyPage *separators;                     /* (owned): one less, or none */
  gpointer children[KV_KEY_BRANCH_CHILDREN]; /* (owned): branches, or in the lowest pages */
  gsize counts[KV_KEY_BRANCH_CHILDREN];      /* keys below each */
} KvKeyBranch;

struct _KvKeyIndex {
  gpointer root; /* (owned): a KvKeyPage when there are no branches */
  guint height;  /* of branches above each leaf */
  gsize length;
};

/* The child below which a key is, or would be. */
static inline guint
kv_key_branch_find_child (const KvKeyBranch *branch, const char *key, gsize length)
{
  gboolean found;
  guint separator = kv_key_page_find (branch->separators, key, length, &found);

  return found ? separator + 1 : separator;
}

G_END_DECLS
