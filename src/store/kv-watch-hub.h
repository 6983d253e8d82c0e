/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store-private.h"

G_BEGIN_DECLS

/**
 * KvWatchHub:
 *
 * The watches of one main context. It is the one reader of the log there: it reads each change once, finds the watches that
 * it concerns by their keys and prefixes, and tells each of them once that it has something to read. The watches
 * themselves then read on from their own cursors.
 *
 * Used in the thread of its context only; all that another thread does is to make its source ready.
 */
typedef struct _KvWatchHub KvWatchHub;

typedef struct _KvHubMember KvHubMember;
typedef struct _KvHubTopic KvHubTopic;

/**
 * KvHubTopic:
 *
 * All that is subscribed to one key or to one prefix.
 */
struct _KvHubTopic {
  KvEntry *name;    /* (owned): its key is the watched key or prefix; the prefix "" has none */
  const char *text; /* (borrowed) from the name */
  gsize length;
  guint32 hash;         /* kv_key_hash() of the text */
  GPtrArray *interests; /* (owned) (element-type KvHubInterest): borrowed each */
  gboolean is_prefix;
};

/**
 * KvHubInterest:
 * @member: who is interested
 * @topic: in what
 * @slot: the place among the topic's interests, so that leaving costs the same for the last of 10,000
 * @shown: changes of the key up to this revision have been shown to the member already
 *
 * One key or prefix of one watch.
 */
typedef struct {
  KvHubMember *member;
  KvHubTopic *topic;
  guint slot;
  guint64 shown;
} KvHubInterest;

/**
 * KvHubMember:
 * @cursor: the sequence of the next change to look at; counts only while it is pending
 * @pending: whether it has something to read, and so need not be found again
 * @queued: whether it is in the list of those that are to be called
 * @link: its place in that list
 * @call: calls the owner
 *
 * A watch, as its hub sees it. Embedded in the watch.
 */
struct _KvHubMember {
  guint64 cursor;
  gboolean pending;
  gboolean queued;
  GList link;
  void (*call) (KvHubMember *member);
};

/**
 * kv_watch_hub_get:
 * @store: a store
 *
 * Returns: (transfer full): the hub of the caller's thread-default main context
 */
KvWatchHub *kv_watch_hub_get (KvStore *store);
void kv_watch_hub_unref (KvWatchHub *hub);

/**
 * kv_watch_hub_find_lag:
 *
 * Any thread.
 *
 * Returns: how many changes the slowest hub of @store that has members has still to look at
 */
guint64 kv_watch_hub_find_lag (KvStore *store);

KvStore *kv_watch_hub_get_store (KvWatchHub *hub);

/**
 * kv_watch_hub_get_seen:
 *
 * Returns: the sequence up to which the hub has looked at changes: where a member that has read everything stands. Never amid
 *   a revision
 */
guint64 kv_watch_hub_get_seen (KvWatchHub *hub);

/**
 * kv_watch_hub_get_seen_revision:
 *
 * Returns: the same as a revision: that of the last change that it has looked at, whether there was anybody for it or not
 */
guint64 kv_watch_hub_get_seen_revision (KvWatchHub *hub);

/**
 * kv_watch_hub_join:
 * @member: zeroed, with @call set
 *
 * Starts to look after @member, which has nothing to read yet.
 */
void kv_watch_hub_join (KvWatchHub *hub, KvHubMember *member);

/**
 * kv_watch_hub_subscribe_key:
 * @name: (transfer full): the key
 * @interest: filled in; its @shown is the caller's to set
 */
void kv_watch_hub_subscribe_key (KvWatchHub *hub,
                                 KvHubMember *member,
                                 KvEntry *name,
                                 KvHubInterest *interest);

/**
 * kv_watch_hub_subscribe_prefix:
 * @name: (transfer full) (nullable): the prefix as the key of an entry; %NULL for the prefix ""
 * @interest: filled in; its @shown is the caller's to set
 */
void kv_watch_hub_subscribe_prefix (KvWatchHub *hub,
                                    KvHubMember *member,
                                    KvEntry *name,
                                    KvHubInterest *interest);

void kv_watch_hub_unsubscribe (KvWatchHub *hub, KvHubInterest *interest);

/**
 * kv_watch_hub_leave:
 *
 * @member, without interests now, is not called any more.
 */
void kv_watch_hub_leave (KvWatchHub *hub, KvHubMember *member);

/**
 * kv_watch_hub_queue:
 *
 * Has @member called soon, from the main context.
 */
void kv_watch_hub_queue (KvWatchHub *hub, KvHubMember *member);

/**
 * kv_watch_hub_read:
 * @sequence: which change
 * @change: (out): with references of its own
 * @lost: (out): whether it has left the log
 *
 * Reads one change that the hub has seen; mostly from what the hub has just read itself, without the log's lock.
 *
 * Returns: %FALSE when @sequence is not older than what the hub has seen, or is lost
 */
gboolean kv_watch_hub_read (KvWatchHub *hub, guint64 sequence, KvChange *change, gboolean *lost);

G_END_DECLS
