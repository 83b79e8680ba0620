// A graph as a function that nodes of other graphs call.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "graph-session.h"

/**
 * @param graph a serialized GraphDef.
 * @param inputs nodes of it that stand for the arguments.
 * @param outputs what it gives, as inputs are named in a GraphDef: `node` or `node:1`.
 * @returns a serialized FunctionDef.
 */
Buffer functionOf(std::string_view graph, const std::string& name, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs);
