/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-watch-hub.h"

#include "core/kv-entry-private.h"
#include "core/kv-hash.h"
#include "store/kv-prefix-tree.h"

#include <string.h>

/* How many changes it takes from the log at a time, but for those that end a revision. */
#define WINDOW 64

/* And how often before the other sources of the context get their turn: as many changes as expiry may make in a turn, so
 * that the readers of an expiring store do not fall behind. */
#define WINDOWS_PER_TURN 64

/* A call may come to a system call or a few. 10,000 watches of one key would keep the context from everything else for a tenth
 * of a second. */
#define CALLS_PER_TURN 256

struct _KvWatchHub {
  guint references;
  KvStore *store;        /* (owned) */
  GMainContext *context; /* (owned) */
  GSource *source;       /* (owned) */
  KvLogReader reader;
  guint members; /* written by its thread alone, and read by any */

  guint64
    seen; /* all changes before it have been matched; never amid a revision; written and read as members are */
  guint64 seen_revision; /* of the last of them */
  GArray *window;        /* (owned) (element-type KvChange): those just before seen */

  GHashTable *keys;     /* (owned) (element-type KvHubTopic): a set by text */
  GHashTable *prefixes; /* (owned) (element-type KvHubTopic): a set by text */
  KvPrefixTree *
    beginnings; /* (owned) (element-type KvHubTopic): the same, to be found by what begins with them */
  GQueue ready;  /* the links of members that are to be called */
  guint to_call; /* of those, how many are called before the hub reads on, or all if that is less */
};

typedef struct {
  GSource source;
  KvWatchHub *hub; /* (borrowed) */
} HubSource;

static guint
hash_topic (gconstpointer topic)
{
  return ((const KvHubTopic *) topic)->hash;
}

static gboolean
equal_topics (gconstpointer a, gconstpointer b)
{
  const KvHubTopic *x = a, *y = b;

  return x->length == y->length && memcmp (x->text, y->text, x->length) == 0;
}

static void
topic_free (gpointer data)
{
  KvHubTopic *topic = data;

  g_clear_pointer (&topic->name, kv_entry_unref);
  g_ptr_array_unref (topic->interests);
  g_free (topic);
}

/* Runs in the writer's thread, under the log's lock: a source may be made ready from any thread. */
static gboolean
wake (KvLogReader *reader, guint64 sequence)
{
  KvWatchHub *hub =
    (KvWatchHub *) (void *) ((char *) reader - G_STRUCT_OFFSET (KvWatchHub, reader));

  g_source_set_ready_time (hub->source, 0);
  return TRUE;
}

/* Within a dispatch, which sees to it that they are called. */
static void
enqueue (KvWatchHub *hub, KvHubMember *member)
{
  if (member->queued)
    return;

  member->queued = TRUE;
  member->link = (GList){ .data = member };
  g_queue_push_tail_link (&hub->ready, &member->link);
}

void
kv_watch_hub_queue (KvWatchHub *hub, KvHubMember *member)
{
  enqueue (hub, member);
  g_source_set_ready_time (hub->source, 0);
}

static void
tell_topic (KvWatchHub *hub, KvHubTopic *topic, const KvChange *change)
{
  for (guint i = 0; i < topic->interests->len; i++)
    {
      KvHubInterest *interest = topic->interests->pdata[i];
      KvHubMember *member = interest->member;

      if (member->pending || change->revision <= interest->shown)
        continue;
      member->pending = TRUE;
      member->cursor = change->sequence;
      enqueue (hub, member);
    }
}

static void
match (KvWatchHub *hub, const KvChange *change)
{
  KvEntry *key = change->entry != NULL ? change->entry : change->previous;
  KvHubTopic probe = { .text = key->bytes, .length = key->key_length, .hash = key->hash };
  KvHubTopic *topic = g_hash_table_lookup (hub->keys, &probe);
  KvPrefixMatch beginning;

  if (topic != NULL)
    tell_topic (hub, topic, change);
  kv_prefix_match_init (&beginning, hub->beginnings, key->bytes, key->key_length);
  while ((topic = kv_prefix_match_next (&beginning)) != NULL)
    tell_topic (hub, topic, change);
}

/* The hub itself has fallen out of the log: whoever had read everything so far has missed something too. Those keep the
 * cursor at which that was so, and will find it lost. */
static void
lose_all_of (KvWatchHub *hub, GHashTable *topics, guint64 seen)
{
  GHashTableIter iter;
  gpointer topic;

  g_hash_table_iter_init (&iter, topics);
  while (g_hash_table_iter_next (&iter, &topic, NULL))
    {
      GPtrArray *interests = ((KvHubTopic *) topic)->interests;

      for (guint i = 0; i < interests->len; i++)
        {
          KvHubMember *member = ((KvHubInterest *) interests->pdata[i])->member;

          if (member->pending)
            continue;
          member->pending = TRUE;
          member->cursor = seen;
          enqueue (hub, member);
        }
    }
}

static void
set_seen (KvWatchHub *hub, guint64 seen)
{
  __atomic_store_n (&hub->seen, seen, __ATOMIC_RELAXED);
}

static void
set_members (KvWatchHub *hub, guint members)
{
  __atomic_store_n (&hub->members, members, __ATOMIC_RELEASE);
}

static void
lose (KvWatchHub *hub)
{
  guint64 seen = hub->seen;

  set_seen (hub, kv_change_log_get_head (hub->store->log, &hub->seen_revision));
  lose_all_of (hub, hub->keys, seen);
  lose_all_of (hub, hub->prefixes, seen);
}

static GArray *
new_window (void)
{
  return g_array_sized_new (FALSE, FALSE, sizeof (KvChange), WINDOW);
}

/* A long transaction has made it longer than it should stay. */
static void
clear_window (KvWatchHub *hub)
{
  for (guint i = 0; i < hub->window->len; i++)
    kv_change_clear (&g_array_index (hub->window, KvChange, i));
  if (hub->window->len > 2 * WINDOW)
    {
      g_array_unref (hub->window);
      hub->window = new_window ();
    }
  g_array_set_size (hub->window, 0);
}

/* Takes the next changes from the log, whole revisions of them: so a member can always tell which change is the last of its
 * revision for it, and has read everything only where a revision ends. Returns whether there may be more. */
static gboolean
advance (KvWatchHub *hub)
{
  gboolean lost;
  guint length;

  clear_window (hub);
  kv_change_log_read_revisions (hub->store->log, hub->seen, hub->window, WINDOW, &lost);
  length = hub->window->len;
  if (length > 0)
    hub->seen_revision = g_array_index (hub->window, KvChange, length - 1).revision;
  set_seen (hub, hub->seen + length);
  for (guint i = 0; i < length; i++)
    match (hub, &g_array_index (hub->window, KvChange, i));
  if (lost)
    lose (hub);
  return lost || length >= WINDOW;
}

/* Calls some of those that are to be called before the hub reads on. A call may free any member. Returns whether that were
 * all of them. */
static gboolean
call_ready (KvWatchHub *hub, guint *budget)
{
  while (hub->to_call > 0 && hub->ready.length > 0 && *budget > 0)
    {
      KvHubMember *member = g_queue_pop_head_link (&hub->ready)->data;

      hub->to_call--;
      --*budget;
      member->queued = FALSE;
      member->call (member);
    }
  return hub->to_call == 0 || hub->ready.length == 0;
}

/* The hub reads on only when all whom the last window concerned have been called: so they read it from the window, also in a
 * later turn. Those that are queued while they are called wait for the next time, so that nobody who always has more can
 * keep the context to itself. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  KvWatchHub *hub = ((HubSource *) source)->hub;
  guint budget = CALLS_PER_TURN;
  gboolean all_called, more = TRUE;

  /* Before reading: what comes from here on makes it ready again. */
  g_source_set_ready_time (source, -1);
  hub->references++;

  all_called = call_ready (hub, &budget);
  for (guint n = 0; all_called && more && n < WINDOWS_PER_TURN; n++)
    {
      more = hub->members > 0 && advance (hub);
      hub->to_call = hub->ready.length;
      all_called = call_ready (hub, &budget);
    }
  if (all_called)
    {
      /* Whoever has not read to the end reads on from the log: a quiet hub keeps no entry alive. */
      clear_window (hub);
      if (hub->members > 0 && !more)
        more = !kv_change_log_arm (hub->store->log, &hub->reader, hub->seen);
    }
  if (more || hub->ready.length > 0)
    g_source_set_ready_time (source, 0);

  kv_watch_hub_unref (hub);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = dispatch };

static KvWatchHub *
hub_new (KvStore *store, GMainContext *context)
{
  KvWatchHub *hub = g_new0 (KvWatchHub, 1);

  hub->references = 1;
  hub->store = g_object_ref (store);
  hub->context = g_main_context_ref (context);
  hub->reader.wake = wake;
  hub->window = new_window ();
  hub->keys = g_hash_table_new_full (hash_topic, equal_topics, topic_free, NULL);
  hub->prefixes = g_hash_table_new_full (hash_topic, equal_topics, topic_free, NULL);
  hub->beginnings = kv_prefix_tree_new ();
  g_queue_init (&hub->ready);

  hub->source = g_source_new (&source_funcs, sizeof (HubSource));
  ((HubSource *) hub->source)->hub = hub;
  g_source_set_static_name (hub->source, "kvstore watches");
  g_source_attach (hub->source, context);
  kv_change_log_add_reader (store->log, &hub->reader);
  g_ptr_array_add (store->hubs, hub);
  return hub;
}

KvWatchHub *
kv_watch_hub_get (KvStore *store)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  KvWatchHub *hub = NULL;

  g_mutex_lock (&store->hubs_lock);
  for (guint i = 0; hub == NULL && i < store->hubs->len; i++)
    if (((KvWatchHub *) store->hubs->pdata[i])->context == context)
      hub = store->hubs->pdata[i];
  if (hub != NULL)
    hub->references++;
  else
    hub = hub_new (store, context);
  g_mutex_unlock (&store->hubs_lock);
  return hub;
}

void
kv_watch_hub_unref (KvWatchHub *hub)
{
  if (--hub->references > 0)
    return;

  g_mutex_lock (&hub->store->hubs_lock);
  g_ptr_array_remove_fast (hub->store->hubs, hub);
  g_mutex_unlock (&hub->store->hubs_lock);
  kv_change_log_remove_reader (hub->store->log, &hub->reader);
  g_source_destroy (hub->source);
  g_source_unref (hub->source);
  clear_window (hub);
  g_array_unref (hub->window);
  g_hash_table_unref (hub->keys);
  kv_prefix_tree_free (hub->beginnings);
  g_hash_table_unref (hub->prefixes);
  g_main_context_unref (hub->context);
  g_object_unref (hub->store);
  g_free (hub);
}

guint64
kv_watch_hub_find_lag (KvStore *store)
{
  guint64 head = kv_change_log_get_head (store->log, NULL);
  guint64 slowest = head;

  g_mutex_lock (&store->hubs_lock);
  for (guint i = 0; i < store->hubs->len; i++)
    {
      const KvWatchHub *hub = store->hubs->pdata[i];

      if (__atomic_load_n (&hub->members, __ATOMIC_ACQUIRE) > 0)
        slowest = MIN (slowest, __atomic_load_n (&hub->seen, __ATOMIC_RELAXED));
    }
  g_mutex_unlock (&store->hubs_lock);
  return head - slowest;
}

KvStore *
kv_watch_hub_get_store (KvWatchHub *hub)
{
  return hub->store;
}

guint64
kv_watch_hub_get_seen (KvWatchHub *hub)
{
  return hub->seen;
}

guint64
kv_watch_hub_get_seen_revision (KvWatchHub *hub)
{
  return hub->seen_revision;
}

void
kv_watch_hub_join (KvWatchHub *hub, KvHubMember *member)
{
  if (hub->members == 0)
    {
      clear_window (hub);
      set_seen (hub, kv_change_log_get_head (hub->store->log, &hub->seen_revision));
      /* The head may have moved on already: then the dispatch will find it so. */
      if (!kv_change_log_arm (hub->store->log, &hub->reader, hub->seen))
        g_source_set_ready_time (hub->source, 0);
    }
  /* After the place is set: who finds members finds where they stand. */
  set_members (hub, hub->members + 1);
  member->cursor = hub->seen;
}

/* Takes @name. Returns the topic of that text, a new one where there is none. */
static KvHubTopic *
get_topic (GHashTable *topics, KvEntry *name, gboolean is_prefix)
{
  KvHubTopic probe = {
    .name = name,
    .text = name != NULL ? name->bytes : "",
    .length = name != NULL ? name->key_length : 0,
    .hash = name != NULL ? name->hash : kv_key_hash ("", 0),
    .is_prefix = is_prefix,
  };
  KvHubTopic *topic = g_hash_table_lookup (topics, &probe);

  if (topic != NULL)
    {
      g_clear_pointer (&name, kv_entry_unref);
      return topic;
    }

  probe.interests = g_ptr_array_new ();
  topic = g_memdup2 (&probe, sizeof probe);
  g_hash_table_add (topics, topic);
  return topic;
}

static void
subscribe (KvHubTopic *topic, KvHubMember *member, KvHubInterest *interest)
{
  interest->member = member;
  interest->topic = topic;
  interest->slot = topic->interests->len;
  g_ptr_array_add (topic->interests, interest);
}

void
kv_watch_hub_subscribe_key (KvWatchHub *hub,
                            KvHubMember *member,
                            KvEntry *name,
                            KvHubInterest *interest)
{
  subscribe (get_topic (hub->keys, name, FALSE), member, interest);
}

void
kv_watch_hub_subscribe_prefix (KvWatchHub *hub,
                               KvHubMember *member,
                               KvEntry *name,
                               KvHubInterest *interest)
{
  KvHubTopic *topic = get_topic (hub->prefixes, name, TRUE);

  if (topic->interests->len == 0)
    kv_prefix_tree_insert (hub->beginnings, topic->text, topic->length, topic);
  subscribe (topic, member, interest);
}

void
kv_watch_hub_unsubscribe (KvWatchHub *hub, KvHubInterest *interest)
{
  KvHubTopic *topic = interest->topic;

  g_ptr_array_remove_index_fast (topic->interests, interest->slot);
  if (interest->slot < topic->interests->len)
    ((KvHubInterest *) topic->interests->pdata[interest->slot])->slot = interest->slot;
  if (topic->interests->len > 0)
    return;

  if (topic->is_prefix)
    kv_prefix_tree_remove (hub->beginnings, topic->text, topic->length);
  g_hash_table_remove (topic->is_prefix ? hub->prefixes : hub->keys, topic);
}

void
kv_watch_hub_leave (KvWatchHub *hub, KvHubMember *member)
{
  if (member->queued)
    g_queue_unlink (&hub->ready, &member->link);
  member->queued = FALSE;
  set_members (hub, hub->members - 1);
}

gboolean
kv_watch_hub_read (KvWatchHub *hub, guint64 sequence, KvChange *change, gboolean *lost)
{
  *lost = FALSE;
  if (sequence >= hub->seen)
    return FALSE;

  if (sequence >= hub->seen - hub->window->len)
    {
      guint index = (guint) (sequence - (hub->seen - hub->window->len));

      *change = g_array_index (hub->window, KvChange, index);
      if (change->entry != NULL)
        kv_entry_ref (change->entry);
      if (change->previous != NULL)
        kv_entry_ref (change->previous);
      return TRUE;
    }

  return kv_change_log_read (hub->store->log, sequence, change, 1, lost) == 1;
}
