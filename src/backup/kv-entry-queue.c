/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "backup/kv-entry-queue.h"

struct _KvEntryQueue {
  GPtrArray *heap; /* (owned) (element-type KvEntry): the children of n are 2n + 1 and 2n + 2 */
};

static void
unref_entry (gpointer entry)
{
  kv_entry_unref (entry);
}

KvEntryQueue *
kv_entry_queue_new (void)
{
  KvEntryQueue *queue = g_new (KvEntryQueue, 1);

  queue->heap = g_ptr_array_new_with_free_func (unref_entry);
  return queue;
}

void
kv_entry_queue_free (KvEntryQueue *queue)
{
  g_ptr_array_unref (queue->heap);
  g_free (queue);
}

void
kv_entry_queue_push (KvEntryQueue *queue, KvEntry *entry)
{
  guint64 revision = kv_entry_get_revision (entry);
  gpointer *heap;
  guint place = queue->heap->len;

  g_ptr_array_add (queue->heap, entry);
  heap = queue->heap->pdata;
  for (; place > 0; place = (place - 1) / 2)
    {
      gpointer parent = heap[(place - 1) / 2];

      if (kv_entry_get_revision (parent) <= revision)
        break;
      heap[place] = parent;
    }
  heap[place] = entry;
}

/* Finds a place from the top on down for @entry, which is not in the heap, or there as what is not to be looked at. */
static void
sink (gpointer *heap, guint length, KvEntry *entry)
{
  guint64 revision = kv_entry_get_revision (entry);
  guint place = 0, child;

  while ((child = 2 * place + 1) < length)
    {
      if (child + 1 < length
          && kv_entry_get_revision (heap[child + 1]) < kv_entry_get_revision (heap[child]))
        child++;
      if (revision <= kv_entry_get_revision (heap[child]))
        break;
      heap[place] = heap[child];
      place = child;
    }
  heap[place] = entry;
}

KvEntry *
kv_entry_queue_pop (KvEntryQueue *queue)
{
  KvEntry *first, *last;

  if (queue->heap->len == 0)
    return NULL;
  first = queue->heap->pdata[0];
  last = g_ptr_array_steal_index (queue->heap, queue->heap->len - 1);
  if (last != first)
    sink (queue->heap->pdata, queue->heap->len, last);
  return first;
}

gboolean
kv_entry_queue_is_empty (const KvEntryQueue *queue)
{
  return queue->heap->len == 0;
}
