"""What a user of a shared Redis has to be allowed, as the README states it."""

PERMISSIONS = (
    "+evalsha +eval +get +set +del +mget +exists +type +time +hget +hset +hsetnx +hmget "
    "+hgetall +sadd +smembers +zadd +zrem +zincrby +zcard +zcount +zscore +zrangebyscore "
    "+zrevrangebyscore +zrangebylex +llen +lrange +lindex +rpush +info"
)
