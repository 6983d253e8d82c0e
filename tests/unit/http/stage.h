/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/connection/kv-http-connection.h"
#include "http/soup/kv-soup-lane.h"

G_BEGIN_DECLS

/**
 * Stage:
 * @client: the client's end; -1 once closed
 * @server: the other end, while its connection is there
 * @got: (owned): what the client has received
 * @ended: and that there will be no more
 * @n_closed: connections that are gone
 *
 * A connection with its gate and lanes over a socket pair, and the client at its other end, all in one thread, whose default
 * context is the stage's. Embed it as the first of a fixture: the pool leads to it.
 */
typedef struct {
  KvHttpPool pool; /* first, so that the pool is the stage */
  KvHttpLimits limits;
  KvHttpContext context;
  GMainContext *main_context; /* (owned) */
  KvRateLimiter *limiter;     /* (owned) */
  KvSoupLane *lane;           /* (owned) */
  int client;
  int server;
  GString *got;
  gboolean ended;
  guint n_closed;
} Stage;

/**
 * stage_set_up:
 * @through_soup: what answers where the express lane does not; borrowed
 * @express: (nullable): the express lane; borrowed
 *
 * Opens a connection, too.
 */
void stage_set_up (Stage *stage, const KvHttpLane *through_soup, const KvHttpLane *express);
void stage_tear_down (Stage *stage);

/**
 * stage_connect:
 *
 * Opens another connection in the place of the one before, of which nobody looks after the client's end any more.
 */
void stage_connect (Stage *stage);

void stage_say (Stage *stage, const char *text);

/**
 * stage_turn:
 *
 * One turn of the loop, for which something has to happen sooner or later.
 */
void stage_turn (Stage *stage);

/**
 * stage_settle:
 *
 * Turns until nothing is left to do at once.
 */
void stage_settle (Stage *stage);

/**
 * stage_receive:
 *
 * Takes what there is for the client.
 */
void stage_receive (Stage *stage);

/**
 * stage_count:
 *
 * Returns: how often the client has received @text
 */
guint stage_count (const Stage *stage, const char *text);

/**
 * stage_receive_all_of:
 *
 * Turns until the client has received @text so many times; aborts where the connection ends before.
 */
void stage_receive_all_of (Stage *stage, const char *text, guint times);
void stage_receive_end (Stage *stage);
void stage_hang_up (Stage *stage);
void stage_wait_for_close (Stage *stage);

G_END_DECLS
