#include "graph-function.h"

#include <memory>

namespace {

/** `node:1` in the graph. */
TF_Output outputOf(TF_Graph* graph, const std::string& output) {
  const size_t colon = output.find(':');
  TF_Operation* const node = TF_GraphOperationByName(graph, output.substr(0, colon).c_str());
  if (node == nullptr) throw Failure("the function has no node " + output);
  return {node, colon == std::string::npos ? 0 : std::stoi(output.substr(colon + 1))};
}

}  // namespace

Buffer functionOf(std::string_view graph, const std::string& name, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs) {
  const Status status = newStatus();
  const std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> body{TF_NewGraph(), &TF_DeleteGraph};
  const std::unique_ptr<TF_ImportGraphDefOptions, decltype(&TF_DeleteImportGraphDefOptions)> import{
      TF_NewImportGraphDefOptions(), &TF_DeleteImportGraphDefOptions};
  TF_GraphImportGraphDef(body.get(), bufferOf(graph).get(), import.get(), status.get());
  check(status);
  std::vector<TF_Output> taken, given;
  for (const std::string& input : inputs) taken.push_back(outputOf(body.get(), input));
  for (const std::string& output : outputs) given.push_back(outputOf(body.get(), output));
  // -1: every node of the graph is part of it.
  const std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)> function{
      TF_GraphToFunction(body.get(), name.c_str(), 0, -1, nullptr, static_cast<int>(taken.size()), taken.data(),
                         static_cast<int>(given.size()), given.data(), nullptr, nullptr, nullptr, status.get()),
      &TF_DeleteFunction};
  check(status);
  Buffer definition{TF_NewBuffer(), &TF_DeleteBuffer};
  TF_FunctionToFunctionDef(function.get(), definition.get(), status.get());
  check(status);
  return definition;
}
