/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "kvstore.h"

/**
 * do_operation:
 * @words: as read_operation() takes them
 *
 * Answers with what append_result() has, or with the name of an error.
 */
void do_operation (KvStore *store, char **words);

/**
 * do_transaction:
 * @words: "batch" or "txn", then "if", "then" or "else" and what read_operation() takes, as often as wanted, with a "|"
 *   before each. Of an "if" it is a "get" with a condition
 *
 * Answers "committed" or "refused", "then" or "else", the revision, and the results, with a "|" before each; or with the name
 * of an error.
 */
void do_transaction (KvStore *store, char **words);

/**
 * do_look:
 * @words: "look KEY"
 *
 * Answers with what append_entry() has, and when it expires in microseconds since the epoch, or "-".
 */
void do_look (KvStore *store, char **words);

/**
 * do_flood:
 * @words: "flood KEY COUNT SIZE"
 *
 * Puts COUNT values of SIZE bytes at once, while no watch gets a turn to read, and answers with the last revision.
 */
void do_flood (KvStore *store, char **words);
