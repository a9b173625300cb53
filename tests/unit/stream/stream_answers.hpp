// SPDX-License-Identifier: Apache-2.0
//
// Tests of the answers to rejected frames; see stream_answers.cpp.
#pragma once

#include "stream_bench.hpp"

void answers(Bench &bench, Random &random);
