"""The same files of sql/, turned into Spark's SQL and run there, construct by construct and model by model: see docs/scale.md.

`duizhang run --engine` leads here; pyspark comes with the extra `spark`.
"""

from duizhang.spark.spark_backend import SparkBackend
from duizhang.spark.spark_connection import SparkConnection
from duizhang.spark.starting import start
from duizhang.spark.transpiling import Translation, transpile
from duizhang.spark.untranslatable import Untranslatable

__all__ = ["SparkBackend", "SparkConnection", "Translation", "Untranslatable", "start", "transpile"]
