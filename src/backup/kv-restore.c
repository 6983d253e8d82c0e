/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "backup/kv-restore.h"

#include "backup/kv-dump-reader.h"
#include "backup/kv-entry-queue.h"
#include "core/kv-error.h"
#include "store/kv-snapshot.h"
#include "store/kv-store-peek.h"

#include <string.h>

/* Entries and bytes of a batch, and how many may be under way: enough for a disk to have something to do while the next are
 * read, little enough that other writers get their turn. */
#define BATCH_ENTRIES 256
#define BATCH_BYTES (512 * 1024)
#define MAX_UNDER_WAY 8

/* So many entries are looked at for deletion before the other sources of the context have their turn. */
#define SWEEP_ENTRIES 2048

/* Deletions are small, and a disk that has more of them at once has less to do for each. */
#define MAX_DELETIONS_UNDER_WAY 16

/* Deadlines that differ by less are the same: the wall clock of the dump and our own are never quite together. */
#define SAME_TIME (10 * G_TIME_SPAN_MILLISECOND)

typedef enum {
  FEEDING,
  SETTLING, /* all has been submitted but what is to be deleted */
  SWEEPING, /* that is looked for */
  DELETING,
  OVER,
} Phase;

struct _KvRestore {
  guint references; /* the owner's, and one for each batch under way */
  gboolean orphaned;
  KvStore *store; /* (owned) */
  KvRestoreOptions options;
  KvRestoreFunc func;
  gpointer user_data;
  KvDumpReader *reader; /* (owned) */
  guint64 began; /* the store's revision then: what is to be deleted has none that is later */

  Phase phase;
  gboolean inside;       /* a function that goes on by itself when a batch is answered */
  gboolean full;         /* the owner waits to be called */
  GArray *batch;         /* (owned) (element-type KvOperation): what is submitted next */
  gsize batch_bytes;     /* of its entries */
  guint under_way;       /* batches */
  KvSnapshot *remaining; /* (owned) (nullable): what has still to be looked at while sweeping */
  KvEntryQueue *doomed;  /* (owned) (nullable): what is to be deleted */
  GSource *next_turn;    /* (owned) (nullable): goes on sweeping, or deleting */
  guint64 entries;       /* that have come */
  KvRestoreCounts counts;
  GError *error; /* (owned) (nullable): the first */
};

static void proceed (KvRestore *restore);

static void
unref (KvRestore *restore)
{
  if (--restore->references > 0)
    return;
  kv_dump_reader_free (restore->reader);
  g_array_unref (restore->batch);
  g_clear_error (&restore->error);
  g_object_unref (restore->store);
  g_free (restore);
}

static void
count (KvRestoreCounts *counts, KvResultStatus status)
{
  counts->created += status == KV_RESULT_CREATED;
  counts->replaced += status == KV_RESULT_REPLACED;
  counts->deleted += status == KV_RESULT_DELETED;
}

static void
on_answer (KvStore *store,
           KvResult *results,
           guint length,
           gboolean committed,
           const GError *error,
           gpointer user_data)
{
  KvRestore *restore = user_data;

  restore->under_way--;
  for (guint i = 0; i < length; i++)
    count (&restore->counts, results[i].status);
  if (error != NULL && restore->error == NULL)
    restore->error = g_error_copy (error);
  if (!restore->orphaned && !restore->inside)
    proceed (restore);
  unref (restore);
}

static void
submit (KvRestore *restore)
{
  guint length = restore->batch->len;

  if (length == 0)
    return;
  restore->references++;
  restore->under_way++;
  kv_store_submit (restore->store, (KvOperation *) (void *) restore->batch->data, length, FALSE,
                   on_answer, restore);
  g_array_set_size (restore->batch, 0);
  restore->batch_bytes = 0;
}

/* Takes @operation. */
static void
add (KvRestore *restore, KvOperation *operation)
{
  restore->batch_bytes += kv_entry_get_size (operation->draft);
  g_array_append_val (restore->batch, *operation);
  if (restore->batch->len == BATCH_ENTRIES || restore->batch_bytes >= BATCH_BYTES)
    submit (restore);
}

static gboolean
is_same (const KvEntry *a, const KvEntry *b)
{
  gint64 x = kv_entry_get_deadline (a), y = kv_entry_get_deadline (b);
  gsize a_length, b_length;
  const char *a_value = kv_entry_get_value (a, &a_length);
  const char *b_value = kv_entry_get_value (b, &b_length);

  if (a_length != b_length || memcmp (a_value, b_value, a_length) != 0)
    return FALSE;
  return x == y || (x != KV_NO_DEADLINE && y != KV_NO_DEADLINE && ABS (x - y) < SAME_TIME);
}

/* What is in the store is looked at first where that can spare a write: not when it is to replace all, as then what is left
 * of earlier revisions at the end is what the dump did not have. */
static void
on_entry (KvEntry *draft, gpointer user_data)
{
  KvRestore *restore = user_data;
  KvOperation put = { .kind = KV_OPERATION_PUT, .draft = draft };
  g_autoptr (KvEntry) found = NULL;

  restore->entries++;
  if (kv_entry_is_expired (draft))
    {
      restore->counts.expired++;
      kv_entry_unref (draft);
      return;
    }
  if (restore->options.dry_run || restore->options.mode == KV_RESTORE_MERGE)
    found = kv_store_peek (restore->store, draft);

  if (restore->options.mode == KV_RESTORE_MERGE && found != NULL && is_same (found, draft))
    restore->counts.unchanged++;
  else if (restore->options.dry_run)
    count (&restore->counts, found != NULL ? KV_RESULT_REPLACED : KV_RESULT_CREATED);
  else
    {
      add (restore, &put);
      return;
    }
  kv_entry_unref (draft);
}

static void
clear_operation (gpointer operation)
{
  kv_operation_clear (operation);
}

KvRestore *
kv_restore_new (KvStore *store,
                const KvRestoreOptions *options,
                KvRestoreFunc func,
                gpointer user_data)
{
  KvRestore *restore = g_new0 (KvRestore, 1);

  restore->references = 1;
  restore->store = g_object_ref (store);
  restore->options = *options;
  restore->func = func;
  restore->user_data = user_data;
  restore->reader = kv_dump_reader_new (options->max_value, on_entry, restore);
  restore->began = kv_store_get_revision (store);
  restore->batch = g_array_sized_new (FALSE, FALSE, sizeof (KvOperation), BATCH_ENTRIES);
  g_array_set_clear_func (restore->batch, clear_operation);
  return restore;
}

static KvRestoreState
get_state (KvRestore *restore, GError **error)
{
  if (restore->error != NULL)
    {
      g_propagate_error (error, g_error_copy (restore->error));
      return KV_RESTORE_FAILED;
    }
  restore->full = restore->under_way >= MAX_UNDER_WAY;
  return restore->full ? KV_RESTORE_FULL : KV_RESTORE_READY;
}

KvRestoreState
kv_restore_feed (KvRestore *restore, const char *data, gsize length, GError **error)
{
  g_return_val_if_fail (restore->phase == FEEDING, KV_RESTORE_FAILED);

  restore->inside = TRUE;
  if (restore->error == NULL && length > 0)
    kv_dump_reader_feed (restore->reader, data, length, &restore->error);
  restore->inside = FALSE;
  return get_state (restore, error);
}

guint64
kv_restore_get_entries (const KvRestore *restore)
{
  return restore->entries;
}

static void
call (KvRestore *restore)
{
  restore->func (restore, restore->user_data);
}

static void
end (KvRestore *restore)
{
  g_clear_pointer (&restore->remaining, kv_snapshot_free);
  g_clear_pointer (&restore->doomed, kv_entry_queue_free);
  restore->phase = OVER;
  call (restore);
}

/* An entry that somebody has replaced since the snapshot was taken is theirs. */
static void
delete_entry (KvRestore *restore, const KvEntry *entry)
{
  KvOperation operation;
  gsize length;
  const char *key = kv_entry_get_key (entry, &length);

  if (!kv_operation_init (&operation, KV_OPERATION_DELETE, key, (gssize) length, NULL))
    g_assert_not_reached ();
  operation.condition = KV_CONDITION_REVISION;
  operation.if_revision = kv_entry_get_revision (entry);
  add (restore, &operation);
}

static gboolean
on_next_turn (gpointer user_data)
{
  KvRestore *restore = user_data;

  g_clear_pointer (&restore->next_turn, g_source_unref);
  proceed (restore);
  return G_SOURCE_REMOVE;
}

static void
wait_for_turn (KvRestore *restore)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  restore->next_turn = g_idle_source_new ();
  g_source_set_priority (restore->next_turn, G_PRIORITY_DEFAULT);
  g_source_set_static_name (restore->next_turn, "kvstore restore");
  g_source_set_callback (restore->next_turn, on_next_turn, restore, NULL);
  g_source_attach (restore->next_turn, context);
}

/* Looks at some of what is there for what was there before and was not written since. */
static void
sweep (KvRestore *restore)
{
  for (guint i = 0; restore->phase == SWEEPING && i < SWEEP_ENTRIES; i++)
    {
      KvEntry *entry = kv_snapshot_next (restore->remaining);

      if (entry == NULL)
        {
          g_clear_pointer (&restore->remaining, kv_snapshot_free);
          restore->phase = DELETING;
        }
      else if (kv_entry_get_revision (entry) <= restore->began)
        kv_entry_queue_push (restore->doomed, entry);
      else
        kv_entry_unref (entry);
    }
  wait_for_turn (restore);
}

/* Has some of that deleted, what was written first before the rest: mostly a journal holds that together too, and has to
 * rewrite a page once for many keys, where in the order of the table it is once for each. */
static void
delete_some (KvRestore *restore)
{
  restore->inside = TRUE;
  for (guint i = 0; i < SWEEP_ENTRIES && restore->under_way < MAX_DELETIONS_UNDER_WAY; i++)
    {
      g_autoptr (KvEntry) entry = kv_entry_queue_pop (restore->doomed);

      if (entry == NULL)
        break;
      delete_entry (restore, entry);
    }
  if (kv_entry_queue_is_empty (restore->doomed))
    submit (restore);
  restore->inside = FALSE;

  if (!kv_entry_queue_is_empty (restore->doomed) && restore->under_way < MAX_DELETIONS_UNDER_WAY)
    wait_for_turn (restore);
}

/* What a replacement would delete is what there is but for what it would replace. */
static void
count_deletions (KvRestore *restore)
{
  guint64 keys = kv_store_count (restore->store);

  restore->counts.deleted = keys - MIN (keys, restore->counts.replaced);
}

static void
settle (KvRestore *restore)
{
  if (restore->under_way > 0)
    return;
  if (restore->error == NULL && restore->options.mode == KV_RESTORE_REPLACE)
    {
      if (!restore->options.dry_run)
        {
          restore->remaining = kv_snapshot_new (restore->store);
          restore->doomed = kv_entry_queue_new ();
          restore->phase = SWEEPING;
          proceed (restore);
          return;
        }
      count_deletions (restore);
    }
  end (restore);
}

static void
proceed (KvRestore *restore)
{
  switch (restore->phase)
    {
    case FEEDING:
      if (!restore->full || (restore->error == NULL && restore->under_way >= MAX_UNDER_WAY))
        return;
      restore->full = FALSE;
      call (restore);
      return;
    case SETTLING:
      settle (restore);
      return;
    case SWEEPING:
      sweep (restore);
      return;
    case DELETING:
      if (restore->error == NULL && restore->next_turn == NULL
          && restore->under_way < MAX_DELETIONS_UNDER_WAY)
        delete_some (restore);
      if (restore->under_way == 0 && restore->next_turn == NULL)
        end (restore);
      return;
    case OVER:
      return;
    }
  g_assert_not_reached ();
}

void
kv_restore_finish (KvRestore *restore)
{
  g_return_if_fail (restore->phase == FEEDING);

  restore->inside = TRUE;
  if (restore->error == NULL)
    kv_dump_reader_finish (restore->reader, &restore->error);
  if (restore->error == NULL)
    submit (restore);
  restore->inside = FALSE;
  restore->phase = SETTLING;
  proceed (restore);
}

void
kv_restore_counts_get_figures (const KvRestoreCounts *counts,
                               KvRestoreFigure figures[KV_RESTORE_N_FIGURES])
{
  const KvRestoreFigure all[KV_RESTORE_N_FIGURES] = {
    { "created", counts->created },     { "replaced", counts->replaced },
    { "unchanged", counts->unchanged }, { "deleted", counts->deleted },
    { "expired", counts->expired },
  };

  memcpy (figures, all, sizeof all);
}

gboolean
kv_restore_get_outcome (const KvRestore *restore, KvRestoreCounts *counts, GError **error)
{
  *counts = restore->counts;
  if (restore->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (restore->error));
  return FALSE;
}

void
kv_restore_free (KvRestore *restore)
{
  restore->orphaned = TRUE;
  g_clear_pointer (&restore->remaining, kv_snapshot_free);
  g_clear_pointer (&restore->doomed, kv_entry_queue_free);
  if (restore->next_turn != NULL)
    g_source_destroy (restore->next_turn);
  g_clear_pointer (&restore->next_turn, g_source_unref);
  unref (restore);
}
