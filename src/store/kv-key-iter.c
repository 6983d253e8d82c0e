/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-key-iter.h"

#include "store/kv-key-index-private.h"

#include <string.h>

/* Takes the key at its place in the leaf. What the leaf's keys begin with is there already, but for a new leaf. */
static gboolean
take_key (KvKeyIter *iter, gboolean new_leaf)
{
  gsize length;
  const char *rest = kv_key_page_get_rest (iter->leaf, iter->place, &length);

  if (new_leaf)
    memcpy (iter->key, iter->leaf->bytes, iter->leaf->prefix_length);
  memcpy (iter->key + iter->leaf->prefix_length, rest, length);
  iter->length = iter->leaf->prefix_length + length;
  return TRUE;
}

/* Goes to the first leaf below a node that stands at that level of the path. */
static gboolean
go_down (KvKeyIter *iter, gconstpointer node, guint level)
{
  for (; level < iter->height; level++)
    {
      iter->path[level].branch = node;
      iter->path[level].child = 0;
      node = ((const KvKeyBranch *) node)->children[0];
    }
  iter->leaf = node;
  iter->place = 0;
  return take_key (iter, TRUE);
}

/* Goes to the first key of the next leaf. No leaf is empty where there are branches. */
static gboolean
go_to_next_leaf (KvKeyIter *iter)
{
  for (guint level = iter->height; level > 0; level--)
    {
      const KvKeyBranch *branch = iter->path[level - 1].branch;
      guint child = ++iter->path[level - 1].child;

      if (child < branch->length)
        return go_down (iter, branch->children[child], level);
    }
  return FALSE;
}

gboolean
kv_key_iter_seek (KvKeyIter *iter, const KvKeyIndex *index, const char *key, gsize length)
{
  gconstpointer node = index->root;
  gboolean found;

  iter->height = index->height;
  for (guint i = 0; i < iter->height; i++)
    {
      const KvKeyBranch *branch = node;

      iter->path[i].branch = branch;
      iter->path[i].child = kv_key_branch_find_child (branch, key, length);
      node = branch->children[iter->path[i].child];
    }
  iter->leaf = node;
  iter->place = kv_key_page_find (iter->leaf, key, length, &found);
  if (iter->place == iter->leaf->length)
    return go_to_next_leaf (iter);
  return take_key (iter, TRUE);
}

gboolean
kv_key_iter_next (KvKeyIter *iter)
{
  if (++iter->place < iter->leaf->length)
    return take_key (iter, FALSE);
  return go_to_next_leaf (iter);
}
