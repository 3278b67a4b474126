/* Runs a window of samples through a .tflite file of mirzoo, with the C API of LiteRT alone.
 *
 *     window MODEL.tflite SAMPLES
 *
 * SAMPLES holds the samples of one window without a header, mono, in the type and at the rate that
 * the file takes: float32 in [-1, 1], or int16. Missing ones at the end count as silence. For each
 * output it prints a line "name type size size ...", then its values, one a line.
 *
 * Compiled against libLiteRt.so of the Python package ai-edge-litert 2.3.0, which has no headers
 * with it: what is needed of them is declared below, as litert/c/ of
 * https://github.com/google-ai-edge/LiteRT has it (Apache 2.0). On Android the library is in the
 * Maven package com.google.ai.edge.litert:litert, and the headers are in its archive.
 *
 *     gcc -std=c11 -O2 window.c -o window libLiteRt.so -Wl,-rpath,.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int LiteRtStatus; /* 0 is success */
typedef size_t LiteRtParamIndex;
typedef struct LiteRtEnvironmentT *LiteRtEnvironment;
typedef struct LiteRtModelT *LiteRtModel;
typedef struct LiteRtSignatureT *LiteRtSignature;
typedef struct LiteRtTensorT *LiteRtTensor;
typedef struct LiteRtOptionsT *LiteRtOptions;
typedef struct LiteRtCompiledModelT *LiteRtCompiledModel;
typedef struct LiteRtTensorBufferT *LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT *LiteRtTensorBufferRequirements;

typedef struct {
  unsigned int rank : 7;
  bool has_strides : 1;
  int32_t dimensions[8];
  uint32_t strides[8];
} LiteRtLayout;

typedef struct {
  int element_type;
  LiteRtLayout layout;
} LiteRtRankedTensorType;

enum { FLOAT32 = 1, INT32 = 2, INT16 = 7 };
enum { READ = 0, WRITE = 1 };
enum { ON_CPU = 1 };
enum { SIGNATURE = 0, MOST_OUTPUTS = 16 };

LiteRtStatus LiteRtCreateEnvironment(int, const void *, LiteRtEnvironment *);
LiteRtStatus LiteRtCreateModelFromFile(LiteRtEnvironment, const char *, LiteRtModel *);
LiteRtStatus LiteRtGetModelSignature(LiteRtModel, LiteRtParamIndex, LiteRtSignature *);
LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature, LiteRtParamIndex *);
LiteRtStatus LiteRtGetSignatureOutputName(LiteRtSignature, LiteRtParamIndex, const char **);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignature, LiteRtParamIndex, LiteRtTensor *);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature, LiteRtParamIndex,
                                                   LiteRtTensor *);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor, LiteRtRankedTensorType *);
LiteRtStatus LiteRtCreateOptions(LiteRtOptions *);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions, int);
LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironment, LiteRtModel, LiteRtOptions,
                                       LiteRtCompiledModel *);
LiteRtStatus LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel, LiteRtParamIndex,
                                                           LiteRtParamIndex,
                                                           LiteRtTensorBufferRequirements *);
LiteRtStatus LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel, LiteRtParamIndex,
                                                            LiteRtParamIndex,
                                                            LiteRtTensorBufferRequirements *);
LiteRtStatus LiteRtCreateManagedTensorBufferFromRequirements(LiteRtEnvironment,
                                                             const LiteRtRankedTensorType *,
                                                             LiteRtTensorBufferRequirements,
                                                             LiteRtTensorBuffer *);
LiteRtStatus LiteRtLockTensorBuffer(LiteRtTensorBuffer, void **, int);
LiteRtStatus LiteRtUnlockTensorBuffer(LiteRtTensorBuffer);
LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModel, LiteRtParamIndex, size_t,
                                    LiteRtTensorBuffer *, size_t, LiteRtTensorBuffer *);
void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer);
void LiteRtDestroyCompiledModel(LiteRtCompiledModel);
void LiteRtDestroyOptions(LiteRtOptions);
void LiteRtDestroyModel(LiteRtModel);
void LiteRtDestroyEnvironment(LiteRtEnvironment);

static void require(LiteRtStatus status, const char *what) {
  if (status == 0) return;
  fprintf(stderr, "%s: LiteRT gives the status %d\n", what, status);
  exit(1);
}

static size_t count(const LiteRtLayout *layout) {
  size_t product = 1;
  for (unsigned axis = 0; axis < layout->rank; ++axis) product *= (size_t)layout->dimensions[axis];
  return product;
}

static void fill(LiteRtTensorBuffer buffer, const LiteRtRankedTensorType *type, const char *path) {
  size_t width = type->element_type == INT16 ? sizeof(int16_t) : sizeof(float);
  void *samples;
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(1);
  }
  require(LiteRtLockTensorBuffer(buffer, &samples, WRITE), "the input");
  memset(samples, 0, width * count(&type->layout));
  if (fread(samples, width, count(&type->layout), file) == 0)
    fprintf(stderr, "%s is empty; the window is silent\n", path);
  require(LiteRtUnlockTensorBuffer(buffer), "the input");
  fclose(file);
}

static void print(LiteRtTensorBuffer buffer, const LiteRtRankedTensorType *type, const char *name) {
  void *values;
  bool whole = type->element_type == INT32;
  if (!whole && type->element_type != FLOAT32) {
    fprintf(stderr, "%s has the type %d; this example reads float32 and int32\n", name,
            type->element_type);
    exit(1);
  }
  printf("%s %s", name, whole ? "int32" : "float32");
  for (unsigned axis = 0; axis < type->layout.rank; ++axis)
    printf(" %d", type->layout.dimensions[axis]);
  printf("\n");
  require(LiteRtLockTensorBuffer(buffer, &values, READ), name);
  for (size_t at = 0; at < count(&type->layout); ++at)
    if (whole)
      printf("%d\n", ((int32_t *)values)[at]);
    else
      printf("%.9g\n", ((float *)values)[at]);
  require(LiteRtUnlockTensorBuffer(buffer), name);
}

int main(int argc, char **argv) {
  LiteRtEnvironment environment;
  LiteRtModel model;
  LiteRtSignature signature;
  LiteRtOptions options;
  LiteRtCompiledModel compiled;
  LiteRtTensor tensor;
  LiteRtTensorBufferRequirements requirements;
  LiteRtRankedTensorType given, types[MOST_OUTPUTS];
  LiteRtTensorBuffer input, outputs[MOST_OUTPUTS];
  LiteRtParamIndex n_outputs;

  if (argc != 3) {
    fprintf(stderr, "usage: %s MODEL.tflite SAMPLES\n", argv[0]);
    return 2;
  }
  require(LiteRtCreateEnvironment(0, NULL, &environment), "the environment");
  require(LiteRtCreateModelFromFile(environment, argv[1], &model), argv[1]);
  require(LiteRtCreateOptions(&options), "options");
  require(LiteRtSetOptionsHardwareAccelerators(options, ON_CPU), "options");
  require(LiteRtCreateCompiledModel(environment, model, options, &compiled), argv[1]);
  require(LiteRtGetModelSignature(model, SIGNATURE, &signature), "the signature");
  require(LiteRtGetNumSignatureOutputs(signature, &n_outputs), "the signature");
  if (n_outputs > MOST_OUTPUTS) n_outputs = MOST_OUTPUTS;

  require(LiteRtGetSignatureInputTensorByIndex(signature, 0, &tensor), "the input");
  require(LiteRtGetRankedTensorType(tensor, &given), "the input");
  require(LiteRtGetCompiledModelInputBufferRequirements(compiled, SIGNATURE, 0, &requirements),
          "the input");
  require(
      LiteRtCreateManagedTensorBufferFromRequirements(environment, &given, requirements, &input),
      "the input");
  for (LiteRtParamIndex at = 0; at < n_outputs; ++at) {
    require(LiteRtGetSignatureOutputTensorByIndex(signature, at, &tensor), "an output");
    require(LiteRtGetRankedTensorType(tensor, &types[at]), "an output");
    require(LiteRtGetCompiledModelOutputBufferRequirements(compiled, SIGNATURE, at, &requirements),
            "an output");
    require(LiteRtCreateManagedTensorBufferFromRequirements(environment, &types[at], requirements,
                                                            &outputs[at]),
            "an output");
  }

  fill(input, &given, argv[2]);
  require(LiteRtRunCompiledModel(compiled, SIGNATURE, 1, &input, n_outputs, outputs), "the model");
  for (LiteRtParamIndex at = 0; at < n_outputs; ++at) {
    const char *name;
    require(LiteRtGetSignatureOutputName(signature, at, &name), "an output");
    print(outputs[at], &types[at], name);
    LiteRtDestroyTensorBuffer(outputs[at]);
  }
  LiteRtDestroyTensorBuffer(input);
  LiteRtDestroyCompiledModel(compiled);
  LiteRtDestroyOptions(options);
  LiteRtDestroyModel(model);
  LiteRtDestroyEnvironment(environment);
  return 0;
}
