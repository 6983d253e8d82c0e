/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-watch.h"

#include "core/kv-entry-private.h"
#include "core/kv-hash.h"
#include "store/kv-spin.h"
#include "store/kv-watch-hub.h"

#include <string.h>

/* Where a watch stands between its beginning and following the log. */
typedef enum {
  PHASE_RESET,    /* has to say that something was missed */
  PHASE_KEYS,     /* shows the keys, one by one */
  PHASE_PREFIXES, /* shows what lies under the prefixes, stripe by stripe */
  PHASE_END,      /* has to say that the snapshot is whole */
  PHASE_CHANGES,  /* follows the log */
} Phase;

struct _KvWatch {
  KvHubMember member; /* first: the hub knows the watch by it */
  KvWatchHub *hub;    /* (owned) */
  KvWatchFunc func;
  gpointer user_data;

  Phase phase;
  guint64 snapshot_revision; /* the store's when the snapshot began, or what it resumed after */
  guint next_key;
  guint next_stripe;
  GPtrArray *
    page; /* (owned) (nullable) (element-type KvEntry): of the last stripe, what is still to be shown */

  GHashTable
    *by_key; /* (owned) (nullable): the interests by name, where there are more keys than FEW */
  guint n_keys;
  guint n_prefixes;
  KvHubInterest interests[]; /* the keys in the order in which they were named, then the prefixes */
};

/* So many keys are compared one by one. */
#define FEW 4

void
kv_watch_event_clear (KvWatchEvent *event)
{
  g_clear_pointer (&event->entry, kv_entry_unref);
  kv_change_clear (&event->change);
}

static void
call (KvHubMember *member)
{
  KvWatch *self = (KvWatch *) (void *) member;

  self->func (self, self->user_data);
}

static KvHubInterest *
find_key (KvWatch *self, const KvEntry *key)
{
  if (self->by_key != NULL)
    return g_hash_table_lookup (self->by_key, key->bytes);

  for (guint i = 0; i < self->n_keys; i++)
    {
      const KvEntry *name = self->interests[i].topic->name;

      if (name->hash == key->hash && name->key_length == key->key_length
          && memcmp (name->bytes, key->bytes, key->key_length) == 0)
        return &self->interests[i];
    }
  return NULL;
}

static KvHubInterest *
find_prefix (KvWatch *self, const KvEntry *key)
{
  for (guint i = 0; i < self->n_prefixes; i++)
    {
      KvHubInterest *interest = &self->interests[self->n_keys + i];
      const KvEntry *name = interest->topic->name;

      if (name == NULL
          || (name->key_length <= key->key_length
              && memcmp (name->bytes, key->bytes, name->key_length) == 0))
        return interest;
    }
  return NULL;
}

/* Whether the change concerns the watch and is newer than what it has shown of the key. Asked for each change of each watch. */
static G_ALWAYS_INLINE inline gboolean
wants_change (KvWatch *self, const KvChange *change)
{
  const KvEntry *key = change->entry != NULL ? change->entry : change->previous;
  KvHubInterest *interest = find_key (self, key);

  if (interest == NULL)
    interest = find_prefix (self, key);
  return interest != NULL && change->revision > interest->shown;
}

/* For the snapshot of prefixes: what changed after it began comes from the log, and named keys were shown already. */
static gboolean
wants_entry (const KvEntry *entry, gpointer user_data)
{
  KvWatch *self = user_data;

  return entry->revision <= self->snapshot_revision && find_prefix (self, entry) != NULL
         && find_key (self, entry) == NULL;
}

/* Goes to the start of a snapshot, from which no change can be missed: the cursor stands at or before the revision at which
 * the snapshot begins, and what each key has shown sorts out the overlap. */
static void
begin_snapshot (KvWatch *self, Phase phase)
{
  KvStore *store = kv_watch_hub_get_store (self->hub);

  self->member.cursor = kv_watch_hub_get_seen (self->hub);
  self->phase = phase;
  self->next_key = 0;
  self->next_stripe = 0;
  g_clear_pointer (&self->page, g_ptr_array_unref);

  kv_store_lock (store);
  self->snapshot_revision = store->revision;
  g_mutex_unlock (&store->commit_lock);
  for (guint i = 0; i < self->n_prefixes; i++)
    self->interests[self->n_keys + i].shown = self->snapshot_revision;
}

static gboolean
next_key (KvWatch *self, KvWatchEvent *event)
{
  KvHubInterest *interest;

  if (self->next_key == self->n_keys)
    return FALSE;

  interest = &self->interests[self->next_key++];
  event->type = KV_WATCH_SNAPSHOT;
  event->key = interest->topic->name->bytes;
  event->entry = kv_store_lookup_at (kv_watch_hub_get_store (self->hub), interest->topic->name,
                                     &interest->shown);
  return TRUE;
}

static gboolean
next_under_prefixes (KvWatch *self, KvWatchEvent *event)
{
  if (self->n_prefixes == 0)
    return FALSE;
  if (self->page == NULL)
    self->page = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_entry_unref);

  while (self->page->len == 0 && self->next_stripe < KV_TABLE_STRIPES)
    kv_table_collect_stripe (&kv_watch_hub_get_store (self->hub)->table, self->next_stripe++,
                             self->page, wants_entry, self);
  if (self->page->len == 0)
    {
      g_clear_pointer (&self->page, g_ptr_array_unref);
      return FALSE;
    }

  event->type = KV_WATCH_SNAPSHOT;
  event->entry = g_ptr_array_steal_index_fast (self->page, self->page->len - 1);
  event->key = event->entry->bytes;
  return TRUE;
}

/* Whether another change of the revision just begun is for the watch. The hub never stands amid a revision, so there is nothing
 * to wait for; what it finds is where the cursor stands then, so that nothing is looked at twice. When the rest has been
 * lost, what follows is no end of the revision either. */
static G_NO_INLINE gboolean
find_another (KvWatch *self)
{
  g_auto (KvChange) change = { 0 };
  gboolean lost, last = FALSE;

  while (!last && kv_watch_hub_read (self->hub, self->member.cursor, &change, &lost))
    {
      if (wants_change (self, &change))
        return TRUE;
      last = change.last;
      kv_change_clear (&change);
      self->member.cursor++;
    }
  return !last;
}

static gboolean
next_change (KvWatch *self, KvWatchEvent *event)
{
  gboolean lost;

  /* Nothing that the hub has seen since was for this watch, be it in the log still or not. */
  if (!self->member.pending)
    return FALSE;
  while (kv_watch_hub_read (self->hub, self->member.cursor, &event->change, &lost))
    {
      self->member.cursor++;
      if (wants_change (self, &event->change))
        {
          event->type = KV_WATCH_CHANGE;
          if (!event->change.last)
            event->change.last = !find_another (self);
          return TRUE;
        }
      kv_change_clear (&event->change);
    }

  if (lost)
    begin_snapshot (self, PHASE_RESET);
  else
    self->member.pending = FALSE;
  return FALSE;
}

gboolean
kv_watch_next (KvWatch *self, KvWatchEvent *event)
{
  memset (event, 0, sizeof *event);

  for (;;)
    switch (self->phase)
      {
      case PHASE_RESET:
        self->phase = PHASE_KEYS;
        event->type = KV_WATCH_RESET;
        event->revision = self->snapshot_revision;
        event->oldest = kv_change_log_get_oldest (kv_watch_hub_get_store (self->hub)->log);
        return TRUE;
      case PHASE_KEYS:
        if (next_key (self, event))
          return TRUE;
        self->phase = PHASE_PREFIXES;
        break;
      case PHASE_PREFIXES:
        if (next_under_prefixes (self, event))
          return TRUE;
        self->phase = PHASE_END;
        break;
      case PHASE_END:
        self->phase = PHASE_CHANGES;
        event->type = KV_WATCH_SNAPSHOT_END;
        event->revision = self->snapshot_revision;
        return TRUE;
      case PHASE_CHANGES:
        if (next_change (self, event))
          return TRUE;
        if (self->phase == PHASE_CHANGES)
          return FALSE;
        break;
      default:
        g_assert_not_reached ();
      }
}

gboolean
kv_watch_resumes (const KvWatch *self)
{
  return self->phase == PHASE_CHANGES;
}

gboolean
kv_watch_get_progress (const KvWatch *self, guint64 *revision)
{
  if (self->phase != PHASE_CHANGES || self->member.pending)
    return FALSE;

  /* A snapshot may be ahead of the hub. */
  *revision = MAX (kv_watch_hub_get_seen_revision (self->hub), self->snapshot_revision);
  return TRUE;
}

static guint
hash_name (gconstpointer name)
{
  return kv_key_hash (name, strlen (name));
}

/* The keys as entries, checked, without repeats, in their order. */
static gboolean
collect_keys (const char *const *keys, GPtrArray *entries, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (hash_name, g_str_equal);

  for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      KvEntry *entry = kv_entry_new (keys[i], -1, "", 0, KV_NO_DEADLINE, error);

      if (entry == NULL)
        return FALSE;
      if (g_hash_table_add (seen, (gpointer) keys[i]))
        g_ptr_array_add (entries, entry);
      else
        kv_entry_unref (entry);
    }
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The prefixes as entries, checked, without those that another one covers; "", which covers all, has no entry. In the
 * order of their bytes one stands right behind the one that covers it, or behind others that this one covers too. */
static gboolean
collect_prefixes (const char *const *prefixes, GPtrArray *entries, GError **error)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  const char *last = NULL;

  for (guint i = 0; prefixes != NULL && prefixes[i] != NULL; i++)
    {
      if (*prefixes[i] != '\0' && !kv_key_validate (prefixes[i], -1, error))
        return FALSE;
      g_ptr_array_add (sorted, (gpointer) prefixes[i]);
    }

  g_ptr_array_sort (sorted, compare_names);
  for (guint i = 0; i < sorted->len; i++)
    {
      const char *prefix = sorted->pdata[i];

      if (last != NULL && g_str_has_prefix (prefix, last))
        continue;
      last = prefix;
      g_ptr_array_add (
        entries, *prefix != '\0' ? kv_entry_new (prefix, -1, "", 0, KV_NO_DEADLINE, NULL) : NULL);
    }
  return TRUE;
}

static void
unref_name (gpointer entry)
{
  if (entry != NULL)
    kv_entry_unref (entry);
}

static void
subscribe_all (KvWatch *self, GPtrArray *keys, GPtrArray *prefixes)
{
  if (keys->len > FEW)
    self->by_key = g_hash_table_new (hash_name, g_str_equal);

  for (guint i = 0; i < keys->len; i++)
    {
      KvHubInterest *interest = &self->interests[i];

      kv_watch_hub_subscribe_key (self->hub, &self->member, g_steal_pointer (&keys->pdata[i]),
                                  interest);
      if (self->by_key != NULL)
        g_hash_table_insert (self->by_key, interest->topic->name->bytes, interest);
    }
  for (guint i = 0; i < prefixes->len; i++)
    kv_watch_hub_subscribe_prefix (self->hub, &self->member, g_steal_pointer (&prefixes->pdata[i]),
                                   &self->interests[keys->len + i]);
}

/* Starts after a revision that the caller knows, if the log still reaches back to it. */
static gboolean
begin_after (KvWatch *self, guint64 since)
{
  KvStore *store = kv_watch_hub_get_store (self->hub);
  guint64 sequence;

  if (since > kv_store_get_revision (store) || !kv_change_log_find (store->log, since, &sequence))
    return FALSE;

  self->phase = PHASE_CHANGES;
  self->snapshot_revision = since;
  self->member.cursor = MIN (sequence, kv_watch_hub_get_seen (self->hub));
  for (guint i = 0; i < self->n_keys + self->n_prefixes; i++)
    self->interests[i].shown = since;
  return TRUE;
}

KvWatch *
kv_watch_new (KvStore *store,
              const char *const *keys,
              const char *const *prefixes,
              guint64 since,
              KvWatchFunc func,
              gpointer user_data,
              GError **error)
{
  g_autoptr (GPtrArray) key_names = g_ptr_array_new_with_free_func (unref_name);
  g_autoptr (GPtrArray) prefix_names = g_ptr_array_new_with_free_func (unref_name);
  KvWatch *self;

  if (!collect_keys (keys, key_names, error) || !collect_prefixes (prefixes, prefix_names, error))
    return NULL;

  self = g_malloc0 (sizeof *self + (key_names->len + prefix_names->len) * sizeof (KvHubInterest));
  self->member.call = call;
  self->func = func;
  self->user_data = user_data;
  self->n_keys = key_names->len;
  self->n_prefixes = prefix_names->len;
  self->hub = kv_watch_hub_get (store);
  kv_watch_hub_join (self->hub, &self->member);
  subscribe_all (self, key_names, prefix_names);
  __atomic_fetch_add (&store->watches, 1, __ATOMIC_RELAXED);

  if (since == KV_WATCH_FROM_NOW)
    begin_snapshot (self, PHASE_KEYS);
  else if (!begin_after (self, since))
    begin_snapshot (self, PHASE_RESET);
  self->member.pending = TRUE;
  kv_watch_hub_queue (self->hub, &self->member);
  return self;
}

void
kv_watch_free (KvWatch *self)
{
  KvStore *store = kv_watch_hub_get_store (self->hub);

  __atomic_fetch_sub (&store->watches, 1, __ATOMIC_RELAXED);
  for (guint i = 0; i < self->n_keys + self->n_prefixes; i++)
    kv_watch_hub_unsubscribe (self->hub, &self->interests[i]);
  kv_watch_hub_leave (self->hub, &self->member);
  g_clear_pointer (&self->by_key, g_hash_table_unref);
  g_clear_pointer (&self->page, g_ptr_array_unref);
  kv_watch_hub_unref (self->hub);
  g_free (self);
}
