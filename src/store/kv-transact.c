/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* Atomic transactions: decided against a staged view of the keys that they touch, and then carried out in one go. See the
 * essay at the top of kv-store.c for the locks. */

#include "store/kv-transact.h"

#include "core/kv-entry-private.h"
#include "store/kv-keeping.h"

#include <string.h>

/* A key that a transaction touches: what it holds, and what it shall hold. */
typedef struct {
  KvEntry *name;    /* (owned): any entry with the key */
  KvEntry *current; /* (borrowed) (nullable): from the table, or pending */
  KvEntry *next;    /* (nullable): owned when it is not current */
  KvChangeKind kind;
} Stage;

/* So many stages are compared one by one, and live on the stack. */
#define FEW 8

typedef struct {
  KvStore *store;
  gboolean reads; /* whether nothing can come of it but answers */
  guint length;
  Stage *stages; /* with room for all that there may be, so that they stay where they are */
  GHashTable
    *by_key; /* (owned) (nullable) (element-type Stage): a set, where there may be more than FEW */
  Stage few[FEW];
} Staging;

static gboolean
equal_keys (const KvEntry *a, const KvEntry *b)
{
  return a->hash == b->hash && a->key_length == b->key_length
         && memcmp (a->bytes, b->bytes, a->key_length) == 0;
}

static guint
hash_stage (gconstpointer stage)
{
  return ((const Stage *) stage)->name->hash;
}

static gboolean
equal_stages (gconstpointer a, gconstpointer b)
{
  return equal_keys (((const Stage *) a)->name, ((const Stage *) b)->name);
}

static void
init (Staging *staging, KvStore *store, const KvTransact *transact)
{
  guint most = transact->n_conditions + MAX (transact->lengths[0], transact->lengths[1]);

  staging->store = store;
  staging->reads = TRUE;
  for (guint branch = 0; branch < 2; branch++)
    for (guint i = 0; i < transact->lengths[branch]; i++)
      staging->reads &= transact->branches[branch][i].kind == KV_OPERATION_GET;
  staging->length = 0;
  staging->stages = most > FEW ? g_new (Stage, most) : staging->few;
  staging->by_key = most > FEW ? g_hash_table_new (hash_stage, equal_stages) : NULL;
}

static void
set_next (Stage *stage, KvEntry *next, KvChangeKind kind)
{
  if (stage->next != stage->current && stage->next != NULL)
    kv_entry_unref (stage->next);
  stage->next = next;
  stage->kind = kind;
}

static void
clear (Staging *staging)
{
  for (guint i = 0; i < staging->length; i++)
    kv_entry_unref (staging->stages[i].name);
  g_clear_pointer (&staging->by_key, g_hash_table_unref);
  if (staging->stages != staging->few)
    g_free (staging->stages);
}

static Stage *
find_stage (const Staging *staging, KvEntry *draft)
{
  const Stage probe = { .name = draft };

  if (staging->by_key != NULL)
    return g_hash_table_lookup (staging->by_key, &probe);
  for (guint i = 0; i < staging->length; i++)
    if (equal_keys (staging->stages[i].name, draft))
      return &staging->stages[i];
  return NULL;
}

/* The stage of the key of @draft. */
static Stage *
get_stage (Staging *staging, KvEntry *draft)
{
  Stage *stage = find_stage (staging, draft);

  if (stage != NULL)
    return stage;

  stage = &staging->stages[staging->length++];
  stage->name = kv_entry_ref (draft);
  stage->current = staging->reads ? kv_store_peek_visible (staging->store, draft)
                                  : kv_store_peek_alive (staging->store, draft);
  stage->next = stage->current;
  if (staging->by_key != NULL)
    g_hash_table_add (staging->by_key, stage);
  return stage;
}

/* What an operation finds. What was staged with a deadline that has come is not there for those behind it. */
static KvEntry *
peek (const Stage *stage)
{
  if (stage->next == NULL || stage->next == stage->current || !kv_entry_is_expired (stage->next))
    return stage->next;
  return NULL;
}

static gboolean
hold_all (Staging *staging, const KvOperation *conditions, guint length)
{
  for (guint i = 0; i < length; i++)
    if (!kv_decide_holds (&conditions[i], peek (get_stage (staging, conditions[i].draft))))
      return FALSE;
  return TRUE;
}

/* Decides every operation against the stages. On failure all results but those of the operations that failed
 * become ABORTED. */
static gboolean
decide_all (Staging *staging, KvOperation *operations, guint length, KvResult *results)
{
  gboolean all = TRUE;

  for (guint i = 0; i < length; i++)
    {
      KvOperation *operation = &operations[i];
      Stage *stage = get_stage (staging, operation->draft);
      KvEntry *found = peek (stage);
      KvEntry *next;
      KvResultStatus status = kv_decide (operation, found, &next);

      kv_decide_report (operation, status, found, next, &results[i]);
      if (kv_decide_is_change (status))
        set_next (stage, next, kv_decide_change_kind (operation->kind));
      all = all && !kv_decide_is_failure (operation, status);
    }

  for (guint i = 0; !all && i < length; i++)
    if (!kv_decide_is_failure (&operations[i], results[i].status))
      {
        kv_result_clear (&results[i]);
        results[i] = (KvResult){ .status = KV_RESULT_ABORTED };
      }
  return all;
}

static gboolean
has_changes (const Staging *staging)
{
  for (guint i = 0; i < staging->length; i++)
    if (staging->stages[i].next != staging->stages[i].current)
      return TRUE;
  return FALSE;
}

/* Carries out what the stages hold as one revision, which the log takes in one go. */
static guint64
publish (Staging *staging)
{
  KvStore *store = staging->store;
  g_autofree KvChange *changes = g_new (KvChange, staging->length);
  gboolean hides = kv_keeping_hides (store);
  guint64 revision = kv_store_next_revision (store);
  guint n = 0;

  for (guint i = 0; i < staging->length; i++)
    {
      Stage *stage = &staging->stages[i];

      if (stage->next == stage->current)
        continue;
      changes[n++] = (KvChange){
        .revision = revision,
        .kind = stage->kind,
        .entry = stage->next,
        .previous =
          hides && stage->current != NULL ? kv_entry_ref (stage->current) : stage->current,
      };
      if (stage->next != NULL)
        kv_entry_seal (stage->next, revision);
    }

  if (hides)
    {
      kv_keeping_hold (store, changes, n);
      return revision;
    }
  kv_store_apply_all (store, changes, n);
  kv_change_log_append (store->log, changes, n);
  if (store->keeping != NULL)
    kv_keeping_wake (store);
  return revision;
}

/* Tells the results at which revision they are. What has been read or counted on the way, and is not what the key holds in the
 * end, is still of this transaction. */
static void
seal_results (KvResult *results, guint length, guint64 revision)
{
  for (guint i = 0; i < length; i++)
    {
      KvEntry *entries[] = { results[i].entry, results[i].previous };

      for (guint j = 0; j < G_N_ELEMENTS (entries); j++)
        if (entries[j] != NULL && entries[j]->revision == 0)
          kv_entry_seal (entries[j], revision);
      if (kv_decide_is_change (results[i].status))
        results[i].revision = revision;
      else if (results[i].entry != NULL)
        results[i].revision = results[i].entry->revision;
    }
}

void
kv_transact (KvStore *store,
             const KvTransact *transact,
             KvResult *results,
             KvStoreCounts *counts,
             KvVerdict *verdict)
{
  Staging staging;
  KvOperation *operations;
  guint length;

  init (&staging, store, transact);
  verdict->branch = hold_all (&staging, transact->conditions, transact->n_conditions)
                      ? KV_BRANCH_THEN
                      : KV_BRANCH_ELSE;
  operations = transact->branches[verdict->branch];
  length = transact->lengths[verdict->branch];
  verdict->committed = decide_all (&staging, operations, length, results);
  for (guint i = 0; verdict->committed && i < length; i++)
    kv_decide_count (counts, operations[i].kind, results[i].status);

  if (verdict->committed && has_changes (&staging))
    {
      verdict->revision = publish (&staging);
      kv_store_expire_behind (store, staging.length);
    }
  else
    {
      verdict->revision = kv_store_decided_revision (store);
      for (guint i = 0; i < staging.length; i++)
        set_next (&staging.stages[i], NULL, 0);
    }
  if (verdict->committed)
    seal_results (results, length, verdict->revision);
  clear (&staging);
}
